//! Directory roles of Entra: the few that intent may request, and those that are always refused, each with the reason.
//!
//! A role that is in neither table is refused too. The second table says why, for roles whose danger is known. Ids are
//! those of the role templates, the same in every tenant (Entra: built-in roles).

use std::fmt;

use crate::name::Guid;

/// A directory role that intent may request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntraRole {
    pub name: &'static str,
    pub id: Guid,
}

/// What control a refused role leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeadsTo {
    /// Global Administrator, directly or through something that may exist in the tenant.
    GlobalAdministrator,
    /// Control over how people sign in: passwords, methods, rules.
    Authentication,
}

impl LeadsTo {
    pub fn phrase(self) -> &'static str {
        match self {
            Self::GlobalAdministrator => "leads to Global Administrator",
            Self::Authentication => "gives control over how people sign in",
        }
    }
}

/// A directory role that is always refused, whatever the guardrail says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClosedEntraRole {
    pub name: &'static str,
    pub id: Guid,
    pub leads_to: LeadsTo,
    /// How the role leads there, as a predicate: `resets passwords of users`.
    pub path: &'static str,
}

/// Why it never passes: `Security Administrator leads to Global Administrator: it changes ...`.
impl fmt::Display for ClosedEntraRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: it {}", self.name, self.leads_to.phrase(), self.path)
    }
}

/// Finds a role that intent may request, by its display name or its template's id. `None` means that it is refused.
pub fn entra_role(text: &str) -> Option<&'static EntraRole> {
    let id = text.parse::<Guid>().ok();
    ENTRA_ROLES.iter().find(|role| id.map_or(role.name == text, |id| role.id == id))
}

/// Finds why a role is always refused, if that is known.
pub fn closed_entra_role(text: &str) -> Option<&'static ClosedEntraRole> {
    let id = text.parse::<Guid>().ok();
    CLOSED_ENTRA_ROLES.iter().find(|role| id.map_or(role.name == text, |id| role.id == id))
}

const fn role(name: &'static str, id: u128) -> EntraRole {
    EntraRole { name, id: Guid::from_u128(id) }
}

const fn closed(name: &'static str, id: u128, leads_to: LeadsTo, path: &'static str) -> ClosedEntraRole {
    ClosedEntraRole { name, id: Guid::from_u128(id), leads_to, path }
}

/// Roles that a SOC needs and that lead to no further control by any known path.
pub const ENTRA_ROLES: &[EntraRole] = &[
    // A guest needs it to assign incidents (Microsoft Sentinel: roles).
    role("Directory Readers", 0x88d8e3e3_8f55_4a1e_953a_9b9898b8876b),
    role("Security Reader", 0x5d6b6bb7_de71_4623_b4af_96380a352509),
    role("Reports Reader", 0x4a5d8f65_41da_4de4_8968_e035b65339cf),
];

use LeadsTo::{Authentication, GlobalAdministrator};

/// From the role definitions of August 2026 and the attacks known for them. Some need a precondition, such as an
/// application that holds strong permissions (Entra: privileged roles and permissions; published tierings of roles).
pub const CLOSED_ENTRA_ROLES: &[ClosedEntraRole] = &[
    closed(
        "AI Administrator",
        0xd2562ede_74db_457e_a7b6_544e236ebb61,
        GlobalAdministrator,
        "adds a credential to an agent blueprint whose agent identity holds strong Graph permissions, and signs in as it",
    ),
    closed(
        "Agent ID Administrator",
        0xdb506228_d27e_4b7d_95e5_295956d6615f,
        GlobalAdministrator,
        "adds a credential to an agent blueprint whose agent identity holds strong Graph permissions, and signs in as it",
    ),
    closed(
        "Application Administrator",
        0x9b895d92_2cd3_44c7_9d02_a6ac2d5ea5c3,
        GlobalAdministrator,
        "adds a secret to an application that holds a strong Graph permission, and signs in as it",
    ),
    closed(
        "Attribute Assignment Administrator",
        0x58a13ea3_c632_46ae_9ee0_9c0d43cd7f3d,
        Authentication,
        "changes the attributes that Conditional Access tests",
    ),
    closed(
        "Attribute Provisioning Administrator",
        0xecb2c6bf_0ab6_418e_bd87_7986f8d63bbe,
        Authentication,
        "changes which attributes provisioning writes, and so who meets the rules that test them",
    ),
    closed(
        "Authentication Administrator",
        0xc4e39bd9_1100_46d3_8c65_fb160da0071f,
        Authentication,
        "resets passwords and sign-in methods of users, and then uses what they own",
    ),
    closed(
        "Authentication Extensibility Administrator",
        0x25a516ed_2fa0_40ea_a2d0_12923a21473a,
        Authentication,
        "puts code of its own into sign-in and the issue of tokens",
    ),
    closed(
        "Authentication Extensibility Password Administrator",
        0x0b00bede_4072_4d22_b441_e7df02a1ef63,
        Authentication,
        "puts code of its own where passwords are entered and changed",
    ),
    closed(
        "Authentication Policy Administrator",
        0x0526716b_113d_4c15_b2c8_68e3c22b9f80,
        Authentication,
        "decides which sign-in methods there are, and how passwords are protected",
    ),
    closed(
        "B2C IEF Keyset Administrator",
        0xaaf43236_0c0d_4d5f_883a_6955382ac081,
        Authentication,
        "owns the keys that sign and encrypt tokens of B2C policies",
    ),
    closed(
        "Cloud Application Administrator",
        0x158c047a_c907_4556_b7ef_446551a6b5f7,
        GlobalAdministrator,
        "adds a secret to an application that holds a strong Graph permission, and signs in as it",
    ),
    closed(
        "Conditional Access Administrator",
        0xb1be1c3e_b65d_4f19_8427_f6fa0d97feb9,
        Authentication,
        "removes the rules for sign-in in front of administrators, or blocks everybody but itself",
    ),
    closed(
        "Directory Synchronization Accounts",
        0xd29b2b05_8046_44ba_8758_1e26182fcf32,
        Authentication,
        "writes passwords of synchronised users, outside of its listed actions",
    ),
    closed(
        "Domain Name Administrator",
        0x8329153b_31d0_4727_b945_745eb3bc5f31,
        GlobalAdministrator,
        "federates a domain with a certificate of its own, and forges a sign-in as an administrator",
    ),
    closed(
        "Entra SOC Identity Responder",
        0x58f930cc_fcf4_4152_852c_1d7dbf502139,
        Authentication,
        "resets passwords, blocks and unblocks users, and ends their sessions",
    ),
    closed(
        "External Identity Provider Administrator",
        0xbe2f45a1_457d_42af_a067_6ec1fa63bc45,
        GlobalAdministrator,
        "changes how a domain is federated, and forges a sign-in as an administrator",
    ),
    closed("Global Administrator", 0x62e90394_69f5_4237_9190_012177145e10, GlobalAdministrator, "is the role itself"),
    closed(
        "Helpdesk Administrator",
        0x729827e3_9c14_49f7_bb1b_9608f156bbb8,
        Authentication,
        "resets passwords of users and of holders of weak roles, and reads recovery keys of disks",
    ),
    closed(
        "Hybrid Identity Administrator",
        0x8ac3fc64_6eca_42ea_9e69_59f4c7b60eb2,
        GlobalAdministrator,
        "federates a domain with a certificate of its own, and forges a sign-in as an administrator",
    ),
    closed(
        "On Premises Directory Sync Account",
        0xa92aed5d_d78a_4d16_b381_09adb37eb3b0,
        Authentication,
        "writes passwords of synchronised users, outside of its listed actions",
    ),
    closed(
        "Partner Tier1 Support",
        0x4ba39ca4_527c_499a_b93d_d9b492c50246,
        GlobalAdministrator,
        "adds a credential to a privileged application and signs in as it, and adds itself to groups",
    ),
    closed(
        "Partner Tier2 Support",
        0xe00e864a_17c5_4a4b_9c06_f5b95a8d5bd8,
        GlobalAdministrator,
        "resets the password of any administrator, and may assign roles",
    ),
    closed(
        "Password Administrator",
        0x966707d0_3269_4727_9be2_8c3a10f19b9d,
        Authentication,
        "resets passwords of users and of holders of weak roles",
    ),
    closed(
        "Privileged Authentication Administrator",
        0x7be44c8a_adaf_4e2a_84d6_ab2649e08a13,
        GlobalAdministrator,
        "sets a password or sign-in method of a Global Administrator, and signs in",
    ),
    closed(
        "Privileged Role Administrator",
        0xe8611ab8_c189_46e8_94e1_60213ab1f814,
        GlobalAdministrator,
        "assigns Global Administrator to itself",
    ),
    closed(
        "Security Administrator",
        0x194ae4cb_b126_40b2_bd5b_6091b380977d,
        GlobalAdministrator,
        "changes how domains are federated, and so forges a sign-in, and all rules of Conditional Access",
    ),
    closed(
        "Security Operator",
        0x5f2222b1_57c3_48ba_8ad5_d4759f1fde6f,
        Authentication,
        "resets passwords, blocks users and ends their sessions, and runs code on machines by live response",
    ),
    closed(
        "Tenant Governance Administrator",
        0x1981f584_96e9_4a6f_95b0_f522373f8fae,
        GlobalAdministrator,
        "manages application permissions, and accepts requests that give groups of another tenant roles here",
    ),
    closed(
        "User Administrator",
        0xfe930be7_5e62_47db_91af_98c3a49a38b1,
        Authentication,
        "resets passwords of users and of holders of weak roles, and edits the members of groups that carry access",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_in_one_table_alone_and_once() {
        let all = || ENTRA_ROLES.iter().map(|role| (role.name, role.id));
        let closed = CLOSED_ENTRA_ROLES.iter().map(|role| (role.name, role.id));
        let all: Vec<(&str, Guid)> = all().chain(closed).collect();
        for (at, (name, id)) in all.iter().enumerate() {
            assert!(all[..at].iter().all(|(other, of)| other != name && of != id), "{name}");
        }
    }

    #[test]
    fn a_role_is_found_by_name_and_by_id_and_all_others_do_not_pass() {
        let reader = entra_role("Security Reader").unwrap();
        assert_eq!(entra_role("5D6B6BB7-DE71-4623-B4AF-96380A352509"), Some(reader));
        for never in
            ["Security Administrator", "Global Administrator", "Global Reader", "Groups Administrator", "*", ""]
        {
            assert_eq!(entra_role(never), None, "{never}");
        }
        assert_eq!(entra_role("194ae4cb-b126-40b2-bd5b-6091b380977d"), None);
        let closed = closed_entra_role("194ae4cb-b126-40b2-bd5b-6091b380977d").unwrap();
        assert_eq!((closed.name, closed.leads_to), ("Security Administrator", LeadsTo::GlobalAdministrator));
        assert_eq!(closed_entra_role("Security Reader"), None);
    }
}
