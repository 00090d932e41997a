"""Drives the Google mock with Google's own Python client.

Needs `google-api-python-client` and `google-auth` (with `requests`). Call:

    python google.py KEY_FILE URL SUBJECT

Exits 0 when the client could not tell the mock from the real thing, 1 with the first difference, and 77 (skip)
when the client is not installed.
"""

import json
import os
import sys

# This file is called like the package it needs.
sys.path[:] = [path for path in sys.path if os.path.abspath(path) != os.path.dirname(os.path.abspath(__file__))]

try:
    import google_auth_httplib2  # noqa: F401  (the transport that googleapiclient picks)
    from google.auth.exceptions import RefreshError
    from google.auth.transport.requests import Request
    from google.oauth2 import service_account
    from googleapiclient.discovery import build
    from googleapiclient.errors import HttpError
    from googleapiclient.http import BatchHttpRequest
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

SCOPES = [
    "https://www.googleapis.com/auth/admin.directory." + name
    for name in ("user", "user.security", "group", "group.member", "orgunit", "customer.readonly", "domain.readonly", "userschema")
]


def main(key_file, url, subject):
    domain = subject.split("@")[1]
    address = lambda name: f"{name}@{domain}"
    base = service_account.Credentials.from_service_account_file(key_file, scopes=SCOPES)
    credentials = base.with_subject(subject)
    api = build("admin", "directory_v1", credentials=credentials, static_discovery=True,
                client_options={"api_endpoint": url + "/"})
    users, groups, members = api.users(), api.groups(), api.members()

    # --- tokens ---
    def refused(creds, code):
        try:
            creds.refresh(Request())
        except RefreshError as error:
            assert error.args[1]["error"] == code, error.args
            return
        raise AssertionError(f"{code} expected")

    refused(base.with_subject(address("nobody")), "invalid_grant")
    refused(base.with_subject(subject).with_scopes(["https://www.googleapis.com/auth/drive"]), "unauthorized_client")
    refused(base.with_subject(subject).with_scopes([]), "invalid_scope")

    def fails(call, status, reason):
        try:
            call.execute()
        except HttpError as error:
            body = json.loads(error.content)["error"]
            assert error.resp.status == status == body["code"], (error.resp.status, body)
            assert body["errors"][0]["reason"] == reason, body
            return body
        raise AssertionError(f"{status} {reason} expected")

    narrow = build("admin", "directory_v1", static_discovery=True, client_options={"api_endpoint": url + "/"},
                   credentials=base.with_subject(subject).with_scopes([SCOPES[2]]))
    fails(narrow.users().list(customer="my_customer"), 403, "insufficientPermissions")

    # --- users ---
    def person(name, **more):
        return {"primaryEmail": address(name), "password": "correct horse", **more,
                "name": {"givenName": name.title(), "familyName": "O'Neil"}}

    kim = users.insert(body=person("kim", phones=[{"type": "work", "value": "+41 44 000 00 00"}])).execute()
    assert kim["kind"] == "admin#directory#user" and len(kim["id"]) == 21 and "password" not in kim, kim
    fails(users.insert(body=person("KIM")), 409, "duplicate")
    fails(users.insert(body={**person("lee"), "name": {}}), 400, "invalid")
    fails(users.insert(body={**person("lee"), "password": "short"}), 400, "invalid")
    for key in (kim["id"], "Kim@" + domain.upper()):
        assert users.get(userKey=key).execute()["id"] == kim["id"]
    fails(users.get(userKey=address("nobody")), 404, "notFound")
    fails(users.list(), 400, "badRequest")
    fails(users.list(customer="my_customer", maxResults=501), 400, "invalidParameter")
    fails(users.list(domain="elsewhere.example"), 404, "notFound")

    renamed = users.update(userKey=kim["id"], body={"primaryEmail": address("kim.lee"), "phones": None}).execute()
    assert renamed["aliases"] == [address("kim")] and "phones" not in renamed, renamed
    assert renamed["etag"] != kim["etag"]
    off = users.patch(userKey=address("kim"), body={"suspended": True}).execute()
    assert off["suspended"] is True and off["suspensionReason"] == "ADMIN", off
    users.patch(userKey=kim["id"], body={"suspended": False}).execute()
    assert users.aliases().insert(userKey=kim["id"], body={"alias": address("k")}).execute()["alias"] == address("k")
    assert [one["alias"] for one in users.aliases().list(userKey=kim["id"]).execute()["aliases"]] == [
        address("kim"), address("k")]
    assert users.aliases().delete(userKey=kim["id"], alias=address("k")).execute() == ""
    users.makeAdmin(userKey=kim["id"], body={"status": True}).execute()
    assert users.get(userKey=kim["id"], fields="isAdmin,name/fullName").execute() == {
        "isAdmin": True, "name": {"fullName": "Kim O'Neil"}}
    users.signOut(userKey=kim["id"]).execute()
    fails(users.get(userKey=kim["id"], fields="nonsense"), 400, "invalidParameter")

    # --- batch, pages, search ---
    seen = {}
    # `new_batch_http_request` takes the address of the discovery document, whatever the endpoint is.
    batch = BatchHttpRequest(lambda id, reply, error: seen.update({id: error or reply}), url + "/batch")
    for number in range(25):
        batch.add(users.insert(body=person(f"user{number:02}")), request_id=f"new/{number} <x>")
    batch.add(users.get(userKey=address("nobody")))
    batch.add(users.signOut(userKey=kim["id"]))
    batch.execute()
    assert len(seen) == 27, len(seen)
    errors = [error for error in seen.values() if isinstance(error, HttpError)]
    assert len(errors) == 1 and errors[0].resp.status == 404, errors
    assert seen["new/7 <x>"]["primaryEmail"] == address("user07"), seen

    found, call = [], users.list(customer="my_customer", maxResults=7, orderBy="email")
    while call is not None:
        page = call.execute()
        found += [user["primaryEmail"] for user in page["users"]]
        call = users.list_next(call, page)
    assert len(found) == 27 and found == sorted(found), found
    query = "email:user0* isSuspended=false"
    assert len(users.list(domain=domain, query=query).execute()["users"]) == 10
    quoted = "familyName='O\\'Neil' givenName:kim"
    assert [user["id"] for user in users.list(domain=domain, query=quoted).execute()["users"]] == [kim["id"]]
    assert "users" not in users.list(domain=domain, query="name:nobody").execute()
    # A long query travels as POST with X-HTTP-Method-Override.
    long = "name:nobody " * 300
    assert "users" not in users.list(domain=domain, query=long).execute()
    fails(users.list(domain=domain, query="nonsense=1"), 400, "invalid")

    # --- custom fields and units, as the guides have it ---
    customer = {"customerId": "my_customer"}
    schemas, units = api.schemas(), api.orgunits()
    fields = [{"fieldName": "jobFamily", "fieldType": "STRING", "multiValued": "false"},
              {"fieldName": "jobLevel", "fieldType": "INT64"},
              {"fieldName": "projects", "fieldType": "STRING", "multiValued": True}]
    made = schemas.insert(**customer, body={"schemaName": "employmentData", "fields": fields}).execute()
    assert schemas.get(**customer, schemaKey=made["schemaId"]).execute() == made
    fails(schemas.insert(**customer, body={"schemaName": "employmentData", "fields": fields}), 409, "duplicate")
    job = {"jobFamily": "Engineering", "jobLevel": 8, "projects": [{"value": "GeneGnome"}, {"value": "x", "type": "work"}]}
    users.update(userKey=kim["id"], body={"customSchemas": {"employmentData": job}}).execute()
    shown = users.get(userKey=kim["id"], projection="custom", customFieldMask="employmentData").execute()
    assert shown["customSchemas"] == {"employmentData": job}, shown
    for query in ('employmentData.projects:"GeneGnome"', 'employmentData.jobFamily="Engineering" employmentData.jobLevel>=7'):
        assert [user["id"] for user in users.list(domain=domain, query=query).execute()["users"]] == [kim["id"]]
    made["fields"] = made["fields"][:1]
    assert len(schemas.update(**customer, schemaKey="employmentData", body=made).execute()["fields"]) == 1
    assert schemas.delete(**customer, schemaKey="employmentData").execute() == ""
    assert "customSchemas" not in users.get(userKey=kim["id"], projection="full").execute()
    corp = units.insert(**customer, body={"name": "corp", "parentOrgUnitPath": "/"}).execute()
    units.insert(**customer, body={"name": "sales", "parentOrgUnitId": corp["orgUnitId"]}).execute()
    users.update(userKey=kim["id"], body={"orgUnitPath": "/corp/sales"}).execute()
    units.update(**customer, orgUnitPath="corp", body={"name": "group"}).execute()
    assert users.get(userKey=kim["id"]).execute()["orgUnitPath"] == "/group/sales"
    assert len(units.list(**customer, type="all").execute()["organizationUnits"]) == 2
    fails(units.delete(**customer, orgUnitPath="group"), 412, "conditionNotMet")
    users.update(userKey=kim["id"], body={"orgUnitPath": "/"}).execute()
    for path in ("group/sales", "group"):
        assert units.delete(**customer, orgUnitPath=path).execute() == ""

    # --- groups and members ---
    staff = groups.insert(body={"email": address("staff"), "name": "Staff"}).execute()
    inner = groups.insert(body={"email": address("inner")}).execute()
    assert isinstance(groups.get(groupKey=staff["id"]).execute()["directMembersCount"], str)
    fails(groups.insert(body={"email": address("kim")}), 409, "duplicate")
    member = members.insert(groupKey=staff["id"], body={"email": address("kim"), "role": "OWNER"}).execute()
    assert member["email"] == address("kim.lee") and member["type"] == "USER", member
    fails(members.insert(groupKey=staff["id"], body={"id": kim["id"]}), 409, "duplicate")
    members.insert(groupKey=staff["id"], body={"email": address("inner")}).execute()
    members.insert(groupKey=inner["id"], body={"email": address("user01")}).execute()
    fails(members.insert(groupKey=inner["id"], body={"email": address("staff")}), 412, "conditionNotMet")
    assert members.hasMember(groupKey=staff["id"], memberKey=address("user01")).execute() == {"isMember": True}
    assert members.hasMember(groupKey=staff["id"], memberKey=address("user02")).execute() == {"isMember": False}
    assert len(members.list(groupKey=staff["id"]).execute()["members"]) == 2
    assert len(members.list(groupKey=staff["id"], includeDerivedMembership=True).execute()["members"]) == 3
    assert len(members.list(groupKey=staff["id"], roles="OWNER").execute()["members"]) == 1
    assert groups.list(userKey=kim["id"]).execute()["groups"][0]["id"] == staff["id"]
    fails(users.get(userKey=address("staff")), 400, "badRequest")
    members.update(groupKey=staff["id"], memberKey=kim["id"], body={"role": "MEMBER"}).execute()
    members.delete(groupKey=staff["id"], memberKey=address("inner")).execute()
    fails(members.get(groupKey=staff["id"], memberKey=address("inner")), 404, "notFound")
    for number in range(5):
        members.insert(groupKey=inner["id"], body={"email": f"guest{number}@elsewhere.example"}).execute()
    found, call = [], members.list(groupKey=inner["id"], maxResults=2)
    while call is not None:
        page = call.execute()
        found += page["members"]
        call = members.list_next(call, page)
    assert len({one["id"] for one in found}) == 6, found

    # --- the end of users and groups ---
    fails(users.delete(userKey=subject), 403, "forbidden")
    assert users.delete(userKey=kim["id"]).execute() == ""
    fails(users.get(userKey=kim["id"]), 404, "notFound")
    assert "members" not in members.list(groupKey=staff["id"]).execute()
    gone = users.list(customer="my_customer", showDeleted="true").execute()["users"]
    assert [user["id"] for user in gone] == [kim["id"]] and gone[0]["deletionTime"], gone
    fails(users.undelete(userKey=address("kim.lee"), body={}), 404, "notFound")
    users.undelete(userKey=kim["id"], body={"orgUnitPath": "/"}).execute()
    assert users.get(userKey=address("kim")).execute()["id"] == kim["id"]
    groups.patch(groupKey=staff["id"], body={"email": address("team")}).execute()
    assert groups.get(groupKey=address("staff")).execute()["aliases"] == [address("staff")]
    groups.delete(groupKey=staff["id"]).execute()
    fails(groups.get(groupKey=staff["id"]), 404, "notFound")

    # --- the rest ---
    assert api.customers().get(customerKey="my_customer").execute()["customerDomain"] == domain
    assert api.domains().list(customer="my_customer").execute()["domains"][0]["domainName"] == domain
    assert "organizationUnits" not in api.orgunits().list(customerId="my_customer").execute()
    fails(api.roles().list(customer="my_customer"), 501, "notImplemented")
    fails(api.users().photos().get(userKey=kim["id"]), 501, "notImplemented")
    print("ok")


if __name__ == "__main__":
    main(*sys.argv[1:4])
