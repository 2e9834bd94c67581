//! What the actions of an Azure role definition let people do.
//!
//! Microsoft moves definitions: a role of the same name and id may hold more than it did. So a role is judged by the
//! actions that Azure shows for it now, each by the first row that covers all of it. What no row covers is never
//! allowed, until somebody has decided what it means.

use std::collections::BTreeSet;

use Beside::{Deployments, Names, Rules, Signals, Tickets};
use Capability::*;
use entente_model::capability::{Beside, Capability};

/// What an action means: something that the customer is asked for, or something that comes with a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Means {
    Lets(&'static [Capability]),
    Comes(Beside),
}

const fn lets(capabilities: &'static [Capability]) -> Means {
    Means::Lets(capabilities)
}

const READ_ANYTHING: &[Capability] = &[ReadIncidents, ReadLogs, ReadResources, ReadAuthorization];
const SECURITY: &[Capability] =
    &[ReadIncidents, ManageAlerts, ReadPosture, ManagePosture, ReadSettings, ManageSettings];

/// Actions of the control plane, in lower case; `*` is any text. What is narrower stands first.
///
/// Not here, and so never: `*`, whatever writes role assignments or delegations, keys of storage accounts, code on
/// machines, secrets, the purge of logs. What `notActions` takes away is not counted: it can come back.
const ACTIONS: &[(&str, Means)] = &[
    ("microsoft.authorization/*/read", lets(&[ReadAuthorization])),
    ("microsoft.authorization/policyassignments/*", lets(&[ReadAuthorization, ManageSettings])),
    ("microsoft.authorization/policydefinitions/*", lets(&[ReadAuthorization, ManageSettings])),
    ("microsoft.authorization/policyexemptions/*", lets(&[ReadAuthorization, ManageSettings])),
    ("microsoft.authorization/policysetdefinitions/*", lets(&[ReadAuthorization, ManageSettings])),
    ("microsoft.management/managementgroups/read", Means::Comes(Names)),
    ("microsoft.resources/subscriptions/resourcegroups/read", Means::Comes(Names)),
    ("microsoft.resources/subscriptions/operationresults/read", Means::Comes(Names)),
    ("microsoft.resources/templatespecs/*/read", Means::Comes(Deployments)),
    ("microsoft.resources/deployments/*", Means::Comes(Deployments)),
    ("microsoft.support/*", Means::Comes(Tickets)),
    ("microsoft.insights/alertrules/*/read", Means::Comes(Signals)),
    ("microsoft.insights/alertrules/read", Means::Comes(Signals)),
    ("microsoft.insights/diagnosticsettings/*/read", Means::Comes(Signals)),
    ("microsoft.insights/metricalerts/*/read", Means::Comes(Signals)),
    ("microsoft.insights/metricdefinitions/*/read", Means::Comes(Signals)),
    ("microsoft.insights/alertrules/*", Means::Comes(Rules)),
    ("microsoft.insights/myworkbooks/read", lets(&[ReadIncidents])),
    ("microsoft.insights/workbooks/read", lets(&[ReadIncidents])),
    ("microsoft.insights/workbooks/revisions/read", lets(&[ReadIncidents])),
    ("microsoft.insights/workbooktemplates/read", lets(&[ReadIncidents])),
    ("microsoft.insights/workbooks/*", lets(&[ReadIncidents, EditWorkbooks])),
    ("microsoft.insights/workbooktemplates/*", lets(&[ReadIncidents, EditWorkbooks])),
    // Tables by the resource that they are about.
    ("microsoft.insights/logs/*", lets(&[ReadLogs])),
    ("microsoft.insights/*", lets(&[ReadIncidents, ReadLogs, EditWorkbooks, ManageData])),
    ("microsoft.alertsmanagement/*", lets(&[ManageData])),
    ("microsoft.monitor/*", lets(&[ReadLogs, ManageData])),
    ("microsoft.operationalinsights/workspaces/sharedkeys/*", lets(&[ReadLogs, ManageData])),
    ("microsoft.operationalinsights/workspaces/*/read", lets(&[ReadLogs])),
    ("microsoft.operationalinsights/workspaces/read", lets(&[ReadLogs])),
    ("microsoft.operationalinsights/workspaces/analytics/query/action", lets(&[ReadLogs])),
    ("microsoft.operationalinsights/workspaces/search/action", lets(&[ReadLogs])),
    ("microsoft.operationalinsights/querypacks/*/read", lets(&[ReadLogs])),
    ("microsoft.operationalinsights/workspaces/savedsearches/*", lets(&[ReadLogs, TuneDetections])),
    ("microsoft.operationalinsights/workspaces/write", lets(&[ManageData])),
    ("microsoft.operationalinsights/workspaces/failback/action", lets(&[ManageData])),
    ("microsoft.operationalinsights/locations/workspaces/failover/action", lets(&[ManageData])),
    ("microsoft.operationalinsights/workspaces/intelligencepacks/*", lets(&[ReadLogs, ManageData])),
    ("microsoft.operationalinsights/workspaces/storageinsightconfigs/*", lets(&[ReadLogs, ManageData])),
    ("microsoft.operationsmanagement/solutions/read", lets(&[ReadIncidents])),
    ("microsoft.securityinsights/*/read", lets(&[ReadIncidents])),
    ("microsoft.securityinsights/dataconnectorscheckrequirements/action", lets(&[ReadIncidents])),
    ("microsoft.securityinsights/threatintelligence/indicators/query/action", lets(&[ReadIncidents])),
    ("microsoft.securityinsights/threatintelligence/queryindicators/action", lets(&[ReadIncidents])),
    ("microsoft.securityinsights/threatintelligence/bulktag/action", lets(&[ManageAlerts])),
    ("microsoft.securityinsights/threatintelligence/indicators/appendtags/action", lets(&[ManageAlerts])),
    ("microsoft.securityinsights/threatintelligence/indicators/replacetags/action", lets(&[ManageAlerts])),
    // Whoever runs a playbook by hand needs a right on the playbook as well (Sentinel: run playbooks). What Sentinel
    // runs by a rule it runs with its own rights.
    ("microsoft.securityinsights/incidents/runplaybook/action", lets(&[Respond])),
    ("microsoft.securityinsights/entities/runplaybook/action", lets(&[Respond])),
    ("microsoft.securityinsights/businessapplicationagents/systems/undoaction/action", lets(&[Respond])),
    ("microsoft.securityinsights/incidents/*", lets(&[ReadIncidents, ManageAlerts, Respond])),
    ("microsoft.securityinsights/cases/*", lets(&[ReadIncidents, ManageAlerts])),
    ("microsoft.securityinsights/automationrules/*", lets(&[ReadIncidents, Respond])),
    ("microsoft.securityinsights/*", lets(&[ReadIncidents, ManageAlerts, Respond, TuneDetections, ManageSettings])),
    ("microsoft.security/*/read", lets(&[ReadIncidents, ReadPosture, ReadSettings])),
    ("microsoft.security/*", lets(SECURITY)),
    ("microsoft.iotsecurity/*", lets(SECURITY)),
    ("microsoft.iotfirmwaredefense/*", lets(SECURITY)),
    ("microsoft.logic/workflows/triggers/listcallbackurl/action", lets(&[RunPlaybooks])),
    ("microsoft.logic/workflows/enable/action", lets(&[RunPlaybooks])),
    ("microsoft.logic/workflows/disable/action", lets(&[RunPlaybooks])),
    ("microsoft.logic/workflows/validate/action", lets(&[RunPlaybooks])),
    ("microsoft.logic/*/read", lets(&[RunPlaybooks])),
    ("microsoft.web/sites/hostruntime/webhooks/api/workflows/triggers/listcallbackurl/action", lets(&[RunPlaybooks])),
    ("microsoft.web/sites/hostruntime/webhooks/api/workflows/*/read", lets(&[RunPlaybooks])),
    ("microsoft.web/sites/read", lets(&[RunPlaybooks])),
    ("microsoft.web/connections/*/read", lets(&[RunPlaybooks])),
    ("microsoft.web/connectiongateways/*/read", lets(&[RunPlaybooks])),
    ("microsoft.web/customapis/*/read", lets(&[RunPlaybooks])),
    ("microsoft.web/serverfarms/read", lets(&[RunPlaybooks])),
    // Any other read. What it reads of playbooks and of security settings is settings of resources.
    ("*/read", lets(READ_ANYTHING)),
];

/// Actions on data; a wildcard here reaches the content of storage and vaults, and is in no row.
const DATA_ACTIONS: &[(&str, Means)] = &[
    ("microsoft.operationalinsights/workspaces/tables/data/read", lets(&[ReadLogs])),
    ("microsoft.operationalinsights/workspaces/jobs/export/action", lets(&[ReadLogs])),
];

/// The actions of a role definition, as Azure shows them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Definition {
    pub role_name: String,
    pub actions: BTreeSet<String>,
    pub data_actions: BTreeSet<String>,
}

/// What a definition lets people do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judged {
    /// And by which action, for whoever is to consent.
    pub capabilities: BTreeSet<(Capability, String)>,
    pub beside: BTreeSet<Beside>,
    /// In no row, and so never allowed.
    pub unknown: BTreeSet<String>,
}

impl Judged {
    pub fn set(&self) -> BTreeSet<Capability> {
        self.capabilities.iter().map(|(capability, _)| *capability).collect()
    }
}

/// Judges every action of a definition.
pub fn judge(definition: &Definition) -> Judged {
    let mut judged = Judged::default();
    let planes = [(&definition.actions, ACTIONS), (&definition.data_actions, DATA_ACTIONS)];
    for (actions, table) in planes {
        for action in actions {
            match means(action, table) {
                Some(Means::Lets(all)) => judged.capabilities.extend(all.iter().map(|it| (*it, action.clone()))),
                Some(Means::Comes(beside)) => _ = judged.beside.insert(beside),
                None => _ = judged.unknown.insert(action.clone()),
            }
        }
    }
    judged
}

fn means(action: &str, table: &[(&str, Means)]) -> Option<Means> {
    let action = action.to_ascii_lowercase();
    table.iter().find(|(row, _)| covers(row, &action)).map(|(_, means)| *means)
}

/// Whether a row's `*` and letters take in all of an action: a `*` of the action only by a `*` of the row.
fn covers(row: &str, action: &str) -> bool {
    match row.split_once('*') {
        None => row == action,
        Some((head, tail)) => action.strip_prefix(head).is_some_and(|rest| {
            let ends = (0..=rest.len()).filter(|at| rest.is_char_boundary(*at));
            if tail.is_empty() { true } else { ends.into_iter().any(|at| covers(tail, &rest[at..])) }
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(all: &[&str]) -> BTreeSet<String> {
        all.iter().map(ToString::to_string).collect()
    }

    fn of(actions: &[&str], data_actions: &[&str]) -> Judged {
        judge(&Definition { role_name: String::new(), actions: set(actions), data_actions: set(data_actions) })
    }

    #[test]
    fn no_row_stands_behind_one_that_covers_it() {
        for (at, (row, _)) in ACTIONS.iter().enumerate() {
            assert_eq!(*row, row.to_lowercase());
            let before = ACTIONS[..at].iter().find(|(earlier, _)| covers(earlier, row));
            assert!(before.is_none(), "{row} is never reached behind {before:?}");
        }
    }

    #[test]
    fn a_wider_row_says_at_least_what_the_narrower_ones_say() {
        for (at, (row, means)) in ACTIONS.iter().enumerate().filter(|(_, (row, _))| *row != "*/read") {
            let Means::Lets(all) = means else { continue };
            for (narrow, it) in &ACTIONS[..at] {
                if let (true, Means::Lets(some)) = (covers(row, narrow), it) {
                    assert!(some.iter().all(|one| all.contains(one)), "{row} says less than {narrow}");
                }
            }
        }
    }

    #[test]
    fn what_gives_access_keys_or_code_is_in_no_row() {
        for action in [
            "*",
            "Microsoft.Authorization/*",
            "Microsoft.Authorization/roleAssignments/write",
            "Microsoft.Authorization/roleAssignments/delete",
            "Microsoft.Authorization/*/Delete",
            "Microsoft.Authorization/elevateAccess/Action",
            "Microsoft.ManagedServices/registrationAssignments/write",
            "Microsoft.Storage/storageAccounts/listKeys/action",
            "Microsoft.Compute/virtualMachines/runCommand/action",
            "Microsoft.Compute/virtualMachines/extensions/*",
            "Microsoft.OperationalInsights/*",
            "Microsoft.OperationalInsights/workspaces/purge/action",
            "Microsoft.KeyVault/vaults/secrets/getSecret/action",
            "Microsoft.Logic/workflows/write",
            "Microsoft.Entirely/new/action",
        ] {
            let judged = of(&[action], &[]);
            assert_eq!(judged.unknown, set(&[action]), "{judged:?}");
        }
        assert_eq!(of(&[], &["*/read", "Microsoft.Storage/x/blobs/read"]).unknown.len(), 2);
    }

    #[test]
    fn a_wildcard_is_only_what_a_wildcard_covers() {
        assert_eq!(of(&["*/read"], &[]).set(), READ_ANYTHING.iter().copied().collect());
        assert_eq!(of(&["Microsoft.OperationalInsights/workspaces/query/*/read"], &[]).set(), [ReadLogs].into());
        assert_eq!(of(&["Microsoft.KeyVault/vaults/read"], &[]).set(), READ_ANYTHING.iter().copied().collect());
        assert_eq!(of(&["Microsoft.SecurityInsights/alertRules/write"], &[]).set().len(), 5);
    }
}
