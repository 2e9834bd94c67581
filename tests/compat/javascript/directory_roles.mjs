// A directory role given to a group, listed and taken away by Microsoft's client for JavaScript.
//
// test_directory_roles.py says where the simulator is, and reads what is printed here.

import { createRequire } from "node:module";
import path from "node:path";

const settings = JSON.parse(process.argv[2]);
const load = createRequire(path.join(settings.modules, "index.js"));
const { Client } = load("@microsoft/microsoft-graph-client");

async function getAccessToken() {
    const form = new URLSearchParams({
        grant_type: "client_credentials",
        client_id: settings.app,
        client_secret: settings.secret,
        scope: "https://graph.microsoft.com/.default",
    });
    const answer = await fetch(`${settings.base}/${settings.tenant}/oauth2/v2.0/token`, { method: "POST", body: form });
    return (await answer.json()).access_token;
}

// Without the host among the custom ones the client sends no token.
const client = Client.initWithMiddleware({
    baseUrl: settings.base,
    customHosts: new Set([new URL(settings.base).hostname]),
    authProvider: { getAccessToken },
});

async function refusal(request) {
    try {
        await request;
    } catch (error) {
        return { statusCode: error.statusCode, code: error.code };
    }
    return "no refusal";
}

const roles = "/roleManagement/directory/roleAssignments";
const wanted = { displayName: "ent-js", mailNickname: "ent-js", mailEnabled: false, securityEnabled: true, isAssignableToRole: true };
const group = await client.api("/groups").post(wanted);
const assignment = { principalId: group.id, roleDefinitionId: settings.role, directoryScopeId: "/" };
const made = await client.api(roles).post(assignment);
const page = await client.api(roles).filter(`principalId eq '${group.id}'`).expand("principal").get();
const listed = page.value.map((one) => ({ id: one.id, principalId: one.principalId, principal: one.principal.displayName }));
const twice = await refusal(client.api(roles).post(assignment));
await client.api(`${roles}/${made.id}`).delete();
const absent = await refusal(client.api(`${roles}/${made.id}`).get());
console.log(JSON.stringify({ group: group.id, made: made.id, listed, twice, absent }));
