"""Judges the SCIM2 mock with published clients and testers.

Needs `scim2-tester`, `scim2-client` (with httpx2), `scim2-models` and `scim-sanity`. Call:

    python scim2.py URL BEARER_TOKEN

URL is the base path of an empty mock with the personality `strict`. Exits 0 when every check passed, 1 with the
differences, and 77 (skip) when a library is not installed.
"""

import sys

try:
    import scim_sanity  # noqa: F401
    from httpx2 import Client
    from scim2_client.engines.httpx2 import SyncSCIMClient
    from scim2_models import Group, ListResponse, PatchOp, PatchOperation, SearchRequest, User
    from scim2_tester import Status, check_server
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

import subprocess


def tester(url, headers):
    """scim2-tester: discovery, CRUD, and PATCH of every announced attribute."""
    with Client(base_url=url, headers=headers) as http:
        client = SyncSCIMClient(http)
        client.discover()
        results = check_server(client)
    bad = [r for r in results if r.status in (Status.ERROR, Status.CRITICAL, Status.DEVIATION)]
    skipped = [r for r in results if r.status == Status.SKIPPED]
    print(f"scim2-tester: {len(results)} checks, {len(bad)} bad, {len(skipped)} skipped")
    for result in bad + skipped:
        print(f"  {result.status.name} {result.title} {result.resource_type or ''}: {result.reason}")
    return not bad and len(results) > 50


def sanity(url, token):
    """scim-sanity: 31 checks of the life of users and groups, strict."""
    run = subprocess.run(
        [sys.executable, "-m", "scim_sanity", "probe", url, "--token", token, "--i-accept-side-effects"],
        capture_output=True,
        text=True,
    )
    passed = run.returncode == 0 and "WARN" not in run.stdout
    print(f"scim-sanity: exit {run.returncode}, {run.stdout.count('PASS')} passed")
    if not passed:
        print(run.stdout, run.stderr)
    return passed


def models(url, headers):
    """scim2-models: its own User and Group, read strictly, through scim2-client."""
    with Client(base_url=url, headers=headers) as http:
        client = SyncSCIMClient(http)
        client.discover()
        user_model = client.get_resource_model("User")
        group_model = client.get_resource_model("Group")
        kim = client.create(user_model(user_name="kim@client.test", display_name="Kim"))
        try:
            group = client.create(group_model(display_name="staff", members=[{"value": kim.id}]))
            read = client.query(user_model, kim.id)
            assert [g.value for g in read.groups] == [group.id], read.groups
            found = client.query(user_model, query_parameters=SearchRequest(filter='userName eq "KIM@client.test"'))
            assert isinstance(found, ListResponse) and found.total_results == 1, found
            changed = client.modify(
                user_model, kim.id,
                PatchOp[user_model](operations=[PatchOperation(op="replace", path="displayName", value="Kim K.")]),
            )
            assert changed.display_name == "Kim K.", changed
            client.delete(group_model, group.id)
            assert not client.query(user_model, kim.id).groups
        finally:
            client.delete(user_model, kim.id)
        raw = http.get("/Users", params={"filter": "userName pr"}).json()
        ListResponse[User | Group].model_validate(raw)
    print("scim2-models: read and written")
    return True


def main(url, token):
    headers = {"Authorization": f"Bearer {token}"}
    passed = [tester(url, headers), sanity(url, token), models(url, headers)]
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
