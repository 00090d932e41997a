// Drives the Google and the Salesforce mock with the vendors' own Node clients. By hand: the tests of this repository do not run it.
//
//     npm install @googleapis/admin jsforce @salesforce/core     (Node 22 or newer)
//     node node.mjs GOOGLE_KEY_FILE GOOGLE_URL SUBJECT SALESFORCE_FILE SALESFORCE_URL
//
// Exits 0 when the clients could not tell the mocks from the real thing, 1 with the first difference. The packages are
// looked for where the command is given.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";

const here = createRequire(path.join(process.cwd(), "package.json"));
const [keyFile, googleUrl, subject, salesforceFile, salesforceUrl] = process.argv.slice(2);

async function google() {
  const { admin, auth } = here("@googleapis/admin");
  const key = JSON.parse(readFileSync(keyFile, "utf8"));
  const scopes = ["user", "group", "user.security", "orgunit", "userschema"];
  const jwt = new auth.JWT({
    email: key.client_email,
    key: key.private_key,
    scopes: scopes.map((name) => `https://www.googleapis.com/auth/admin.directory.${name}`),
    subject,
  });
  // The library asks the real token address, whatever the key file says.
  const send = jwt.transporter.request.bind(jwt.transporter);
  jwt.transporter.request = (options) =>
    send({ ...options, url: String(options.url).replace("https://oauth2.googleapis.com", googleUrl) });
  const api = admin({ version: "directory_v1", auth: jwt, rootUrl: `${googleUrl}/` });
  const address = (name) => `${name}@${subject.split("@")[1]}`;
  const name = { givenName: "Nöra", familyName: "O'Neil" };
  const body = { primaryEmail: address("node"), password: "correct horse", name };

  const { data: user } = await api.users.insert({ requestBody: body });
  await assert.rejects(api.users.insert({ requestBody: body }), { status: 409, message: "Entity already exists." });
  await assert.rejects(api.users.get({ userKey: address("nobody") }), { status: 404 });
  const query = `familyName='O\\'Neil' email:node*`;
  const { data: found } = await api.users.list({ customer: "my_customer", query, fields: "users(id)" });
  assert.deepEqual(found.users, [{ id: user.id }]);
  const { data: off } = await api.users.patch({ userKey: user.id, requestBody: { suspended: true } });
  assert.equal(off.suspended, true);
  assert.equal((await api.users.makeAdmin({ userKey: user.id, requestBody: { status: true } })).status, 204);
  await api.groups.insert({ requestBody: { email: address("nodes"), name: "Nodes" } });
  await api.members.insert({ groupKey: address("nodes"), requestBody: { email: address("node"), role: "OWNER" } });
  const { data: has } = await api.members.hasMember({ groupKey: address("nodes"), memberKey: address("node") });
  assert.deepEqual(has, { isMember: true });
  const customer = { customerId: "my_customer" };
  await api.orgunits.insert({ ...customer, requestBody: { name: "node unit", parentOrgUnitPath: "/" } });
  assert.equal((await api.orgunits.get({ ...customer, orgUnitPath: "node unit" })).data.orgUnitPath, "/node unit");
  await api.orgunits.delete({ ...customer, orgUnitPath: "node unit" });
  const fields = [{ fieldName: "level", fieldType: "INT64" }];
  await api.schemas.insert({ ...customer, requestBody: { schemaName: "Node", fields } });
  await api.schemas.delete({ ...customer, schemaKey: "Node" });
  await api.groups.delete({ groupKey: address("nodes") });
  assert.equal((await api.users.delete({ userKey: user.id })).status, 204);
}

async function salesforce() {
  const jsforce = here("jsforce");
  const own = JSON.parse(readFileSync(salesforceFile, "utf8"));
  const client = { clientId: own.consumer_key, clientSecret: own.consumer_secret };
  const soap = new jsforce.Connection({ loginUrl: salesforceUrl });
  await soap.login(own.username, own.password + own.security_token);
  const connection = new jsforce.Connection({ instanceUrl: salesforceUrl, oauth2: { loginUrl: salesforceUrl, ...client } });
  await connection.authorize({ grant_type: "client_credentials" });
  assert.equal((await connection.identity()).username, own.username);
  const users = connection.sobject("User");
  const [profile] = await connection.sobject("Profile").find({ Name: "Standard User" }, "Id");
  const person = (name) => ({
    Username: `${name}@node.example`, LastName: name, Email: `${name}@node.example`, Alias: name, ProfileId: profile.Id,
    TimeZoneSidKey: "GMT", LocaleSidKey: "en_GB", EmailEncodingKey: "UTF-8", LanguageLocaleKey: "en_US",
  });
  const { id } = await users.create(person("ada"));
  await assert.rejects(users.create(person("ada")), { errorCode: "DUPLICATE_USERNAME" });
  await users.update({ Id: id, FirstName: "Ada" });
  assert.equal((await users.retrieve(id)).Name, "Ada ada");
  const several = await users.create([person("bob"), { LastName: "x" }]);
  assert.deepEqual(several.map((one) => one.success), [true, false]);
  assert.equal(several[1].errors[0].statusCode, "REQUIRED_FIELD_MISSING");
  const upserted = await users.upsert({ ...person("eve"), External_Id__c: "n1" }, "External_Id__c");
  assert.equal(upserted.created, true);
  const found = await users.find({ LastName: { $in: ["ada", "bob"] }, IsActive: true }, "Username").sort("-Username");
  assert.deepEqual(found.map((one) => one.Username), ["bob@node.example", "ada@node.example"]);
  await assert.rejects(users.destroy(id), { errorCode: "INSUFFICIENT_ACCESS_OR_READONLY" });
  assert.ok((await users.describe()).fields.length > 50);

  // What it remembers of a login goes with this run.
  const home = mkdtempSync(path.join(tmpdir(), "outbound-node-"));
  process.on("exit", () => rmSync(home, { recursive: true, force: true }));
  Object.assign(process.env, { HOME: home, SF_USE_GENERIC_UNIX_KEYCHAIN: "true", SF_DISABLE_LOG_FILE: "true" });
  const { AuthInfo, Connection, Org } = here("@salesforce/core");
  const oauth2Options = { clientId: own.consumer_key, privateKeyFile: own.private_key_file, loginUrl: salesforceUrl };
  const info = await AuthInfo.create({ username: own.username, oauth2Options });
  const org = await Org.create({ connection: await Connection.create({ authInfo: info }) });
  await org.refreshAuth();
  assert.equal((await org.getConnection().query("SELECT Id FROM User")).totalSize, 4);
}

await google();
await salesforce();
console.log("the clients could not tell");
