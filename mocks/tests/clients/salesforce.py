"""Drives the Salesforce mock with the published Python client.

Needs `simple-salesforce`. Call:

    python salesforce.py CREDENTIALS_FILE URL

Exits 0 when the client could not tell the mock from the real thing, 1 with the first difference, and 77 (skip)
when the client is not installed. The client insists on https and on hosts of salesforce.com; the session it is given
here sends all of that to the mock instead.
"""

import datetime
import json
import os
import sys
import warnings

# This file must not hide a package of the same name.
sys.path[:] = [path for path in sys.path if os.path.abspath(path) != os.path.dirname(os.path.abspath(__file__))]

try:
    import requests
    from requests.adapters import HTTPAdapter
    from simple_salesforce import Salesforce, SalesforceLogin, format_soql
    from simple_salesforce import exceptions as sfe
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

warnings.simplefilter("ignore")


class ToTheMock(HTTPAdapter):
    """Sends every https request to the mock's http address."""

    def __init__(self, url):
        super().__init__()
        self.url = url

    def send(self, request, **rest):
        request.url = self.url + "/" + request.url.split("/", 3)[3]
        return super().send(request, **rest)


def main(file, url):
    with open(file) as opened:
        own = json.load(opened)

    def session():
        made = requests.Session()
        made.mount("https://", ToTheMock(url))
        made.mount("http://", ToTheMock(url))
        return made

    def fails(kind, status, code, call, *args, **more):
        try:
            call(*args, **more)
        except kind as error:
            assert error.status == status, (error.status, error.content)
            found = error.content[0]
            assert found["errorCode"] == code, found
            return found
        raise AssertionError(f"{code} expected")

    def denied(code, **login):
        try:
            Salesforce(session=session(), **login)
        except sfe.SalesforceAuthenticationFailed as error:
            assert error.code == code, (error.code, error.message)
            return error.auth_message
        raise AssertionError(f"{code} expected")

    # --- logins: SOAP, password, JWT bearer, client credentials ---
    user, password, token = own["username"], own["password"], own["security_token"]
    key, secret, pem = own["consumer_key"], own["consumer_secret"], own["private_key_file"]
    soap = Salesforce(username=user, password=password, security_token=token, session=session())
    assert soap.sf_instance == url.split("//")[1], soap.sf_instance
    by_password = Salesforce(username=user, password=password + token, consumer_key=key, consumer_secret=secret, session=session())
    by_key = Salesforce(username=user, consumer_key=key, privatekey_file=pem, session=session())
    by_client = Salesforce(consumer_key=key, consumer_secret=secret, domain="acme.my", session=session())
    refusal = denied("INVALID_LOGIN", username=user, password="<wrong&>", security_token=token)
    assert refusal == "Invalid username, password, security token; or user locked out.", refusal
    assert denied("invalid_grant", username=user, password="x", consumer_key=key, consumer_secret=secret) == "authentication failure"
    denied("invalid_client_id", username=user, password="x", consumer_key="x", consumer_secret=secret)
    denied("invalid_grant", username="nobody@acme.example", consumer_key=key, privatekey_file=pem)
    denied("invalid_client", consumer_key=key, consumer_secret="x", domain="acme.my")
    session_id, _ = SalesforceLogin(username=user, password=password, security_token=token, session=session())
    assert session_id.startswith("00D")

    # --- users ---
    for number, sf in enumerate([soap, by_password, by_key, by_client]):
        profile = sf.query("SELECT Id FROM Profile WHERE Name = 'Standard User'")["records"][0]["Id"]
        stem = f"py{number}.{os.getpid()}"
        person = {
            "Username": f"{stem}@acme.example", "LastName": "O'Neil", "FirstName": "Kim", "Email": f"{stem}@acme.example",
            "Alias": "koneil", "TimeZoneSidKey": "Europe/Berlin", "LocaleSidKey": "de_DE", "EmailEncodingKey": "UTF-8",
            "LanguageLocaleKey": "en_US", "ProfileId": profile, "FederationIdentifier": f"fed{stem}",
        }
        made = sf.User.create(person)
        assert made["success"] is True and made["errors"] == [] and len(made["id"]) == 18, made
        kim = made["id"]
        assert sf.User.get(kim)["Name"] == "Kim O'Neil"
        assert sf.User.get_by_custom_id("FederationIdentifier", f"fed{stem}")["Id"] == kim
        assert sf.User.update(kim, {"Title": "Chef ä/&", "IsActive": False}) == 204
        assert sf.User.get(kim)["Title"] == "Chef ä/&"
        assert sf.User.upsert(f"External_Id__c/py-{stem}", {**person, "Username": "up" + person["Username"], "FederationIdentifier": None}) == 201
        assert sf.User.upsert(f"External_Id__c/py-{stem}", {"Title": "x"}) == 200
        found = fails(sfe.SalesforceMalformedRequest, 400, "DUPLICATE_USERNAME", sf.User.create, {**person, "FederationIdentifier": None})
        assert found["fields"] == ["Username"]
        fails(sfe.SalesforceMalformedRequest, 400, "REQUIRED_FIELD_MISSING", sf.User.create, {"Username": "x@y.example"})
        fails(sfe.SalesforceResourceNotFound, 404, "NOT_FOUND", sf.User.get, "005HX00000zzzzz")
        fails(sfe.SalesforceMalformedRequest, 400, "INSUFFICIENT_ACCESS_OR_READONLY", sf.User.delete, kim)
        assert any(field["name"] == "Username" for field in sf.User.describe()["fields"])
        assert sf.User.metadata()["objectDescribe"]["name"] == "User"
        assert sf.set_password(kim, "secret4kim") is None or True
        now = datetime.datetime.now(datetime.timezone.utc)
        day = datetime.timedelta(days=1)
        assert kim in sf.User.updated(now - day, now + day)["ids"]
        assert sf.User.deleted(now - day, now + day)["deletedRecords"] == []

    sf = by_key
    assert {"User", "Profile"} <= {item["name"] for item in sf.describe()["sobjects"]}
    assert sf.limits()["DailyApiRequests"]["Max"] > 0
    assert sf.api_usage["api-usage"].used > 0, sf.api_usage
    assert sf.is_sandbox() is False

    # --- queries ---
    name = f"py0.{os.getpid()}@acme.example"
    found = sf.query(format_soql("SELECT Id, Username, Profile.Name FROM User WHERE Username = {} AND LastName = {}", name, "O'Neil"))
    assert found["totalSize"] == 1 and found["records"][0]["Profile"]["Name"] == "Standard User", found
    fails(sfe.SalesforceMalformedRequest, 400, "INVALID_FIELD", sf.query, "SELECT Shoe FROM User")
    fails(sfe.SalesforceMalformedRequest, 400, "MALFORMED_QUERY", sf.query, "SELECT")
    fails(sfe.SalesforceMalformedRequest, 400, "INVALID_QUERY_LOCATOR", sf.query_more, "01gxx-200")
    template = {**person, "FederationIdentifier": None, "attributes": {"type": "User"}}
    for chunk in range(2):
        records = [{**template, "Username": f"many{chunk}.{n}.{os.getpid()}@acme.example"} for n in range(200)]
        saved = sf.restful("composite/sobjects", method="POST", json={"allOrNone": True, "records": records})
        assert len(saved) == 200 and all(one["success"] for one in saved), saved[0]
    sf.headers["Sforce-Query-Options"] = "batchSize=200"
    everybody = sf.query_all("SELECT Id FROM User")
    ids = {record["Id"] for record in everybody["records"]}
    assert everybody["done"] and len(ids) == everybody["totalSize"] == len(everybody["records"]) > 400
    assert len(list(sf.query_all_iter("SELECT Id FROM User"))) == len(ids)

    # --- composite, batch, sessions ---
    answer = sf.restful("composite", method="POST", json={"compositeRequest": [
        {"method": "GET", "referenceId": "who", "url": f"/services/data/v{sf.sf_version}/query?q=SELECT+Id+FROM+User+LIMIT+1"},
        {"method": "GET", "referenceId": "it", "url": f"/services/data/v{sf.sf_version}/sobjects/User/@{{who.records[0].Id}}"},
    ]})
    assert [part["httpStatusCode"] for part in answer["compositeResponse"]] == [200, 200], answer
    stale = Salesforce(instance_url=url, session_id="00D!stale", session=session())
    fails(sfe.SalesforceExpiredSession, 401, "INVALID_SESSION_ID", stale.query, "SELECT Id FROM User")
    print("the client could not tell")


if __name__ == "__main__":
    main(*sys.argv[1:])
