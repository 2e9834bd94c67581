//! Where the services' documentation is silent or contradicts itself or the service, and what this crate does then.
//!
//! This file has no code. Each row comes from a document or from published measurements. We verified none against a
//! live tenant. After verifying one, remove its row and keep the true form.
//!
//! | what is not certain | what we do | where |
//! |---|---|---|
//! | the error code of adding a member twice | any 400 whose message says "added object references already exist" | `graph/members.rs` |
//! | 404 or 400 "not a valid reference update" for a new member or group | both are [`crate::Added::NotYetThere`] | `graph/members.rs` |
//! | the status of removing what is not a member | 404 `Request_ResourceNotFound` is [`crate::Removed::WasNotThere`], 2xx is removed | `graph.rs` |
//! | inviting somebody who is a guest already | the answer is read as an invitation; the user id says whose | `graph/users.rs` |
//! | inviting an internal user's address | "already exists in the directory", the id from the message if there is one | `graph/users.rs` |
//! | `invitedUserType` Member for an application | sent as asked | `graph/users.rs` |
//! | whether the filters by mail, other mails and proxy addresses may be joined by `or` | three queries, merged | `graph/people.rs` |
//! | a tenant that refuses the filter by proxy addresses | noted as odd beside what the other two gave | `graph/people.rs` |
//! | capitals of `smtp:` and `SMTP:` in that filter | Graph compares without regard to them | `graph/people.rs` |
//! | which filters and properties the bin knows | those of users | `graph/people.rs` |
//! | the largest `$top` | not sent; pages are as long as the service likes | `graph.rs` |
//! | `authorizationPolicy` as an object or as a list of one | both | `graph/directory.rs` |
//! | `innerError` or `innererror`; `message` as text or `{value}` | both | `failure.rs` |
//! | which 404 means "not there" | a closed list of codes for each kind of call; any other is refused | `absence.rs` |
//! | a success with a body that is no JSON (a portal's?) | unusable: never "done" | `call.rs` |
//! | an entry of a listing that is not as described | named in [`crate::Listing::odd`], the others are read | `listing.rs` |
//! | ARM: scopes of every shape, ids in any capitals, `null` fields | text as it stands | `arm.rs` |
//! | Defender: principals that are no GUIDs | told apart from those that are | `defender.rs` |
//! | values that an enum gets later | asked for, and kept as text | `client.rs`, everywhere |
//! | dates in a form we do not know | no date, and no decision hangs on one here | `graph.rs` |
//! | `Retry-After` as seconds, with decimals, as a date, or missing | all four; at most five minutes | `transport.rs`, `gate.rs` |
//! | a directory role that is held already: 400, 409, or 201 with the same id | a refusal that says "conflicting object" is [`crate::Given::AlreadyThere`] | `graph/directory_roles.rs` |
//! | deleting a directory role assignment that is absent | 404 `Request_ResourceNotFound` is [`crate::Removed::WasNotThere`], 2xx is removed | `graph/directory_roles.rs` |
//! | `visibility` of a role-assignable group: Hidden (a page), any (another page's example) | not sent | `graph/groups.rs` |
//! | Defender: a success answered with a redirect to `http://` | accepted without an id; never followed | `defender.rs` |
//! | Defender: `@odata.type` in the body (documents) or not (service) | left out | `defender.rs` |
//! | Defender: `directoryScopeIds`, `appScopeIds` or both | both, as the portal writes them | `defender.rs` |
//! | Defender: how "unified RBAC is not activated" reads | a 403 with any of the configured words | `defender.rs`, `config.rs` |
//! | Defender: an expansion that is cut short | the namespace's own listing is read instead | `defender.rs` |
//! | ARM: the status of `PrincipalNotFound` | any, by its code | `arm.rs` |
//! | ARM: the status of `RoleAssignmentExists`, and the id in its message | any, by its code; 32 digits with or without hyphens | `arm.rs` |
//! | ARM: 204 or 404 `RoleAssignmentNotFound` for deleting what is absent | both are [`crate::Removed::WasNotThere`] | `arm.rs` |
//! | numbers in token answers as numbers or text; `expires_in` or `expires_on` | all | `credential/managed_identity.rs` |
//! | PS256 (documents) or RS256 (an official client) | PS256 | `credential/assertion.rs` |
