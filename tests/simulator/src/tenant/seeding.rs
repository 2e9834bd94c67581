//! Building a tenant from its seed: its applications, and then each plane's part.

use std::collections::BTreeMap;

use super::{App, Tenant};
use crate::assertion::Certificate;
use crate::clock::Now;
use crate::control::seed::{AppSeed, TenantSeed};
use crate::planes;
use crate::planes::azure::seeding::add_assignment;
use crate::planes::azure::state::{Azure, condition_for};
use crate::planes::defender::state::Defender;
use crate::planes::entra;
use crate::planes::entra::state::Entra;
use crate::planes::surface::SeedError;
use crate::switches::Switches;

impl Tenant {
    pub fn from_seed(seed: &TenantSeed, run_seed: u64, now: Now) -> Result<Self, SeedError> {
        let id = uuid::Uuid::parse_str(&seed.id).map_err(|_| SeedError::BadId { id: seed.id.clone() })?.to_string();
        let domain = seed.domain.clone().unwrap_or_else(|| format!("t{}.onmicrosoft.com", &id[..8]));
        let mut tenant = Tenant {
            domain,
            display_name: seed.display_name.clone(),
            seed: run_seed,
            licences: seed.licences.clone(),
            security_defaults: seed.security_defaults,
            settings: super::Settings::default(),
            switches: Switches::default(),
            apps: Vec::new(),
            users: BTreeMap::new(),
            groups: BTreeMap::new(),
            deleted: BTreeMap::new(),
            azure: Azure::default(),
            defender: Defender::default(),
            entra: Entra::default(),
            throttle: Default::default(),
            invitations: Vec::new(),
            counters: Default::default(),
            unowned: BTreeMap::new(),
            redemptions: Vec::new(),
            rounds: Default::default(),
            sessions: BTreeMap::new(),
            accounted: false,
            ids_made: 0,
            id,
        };
        for (name, value) in &seed.switches {
            tenant.switches.set(name, value)?;
        }
        for app in &seed.apps {
            tenant.add_app(app, now)?;
        }
        for plane in planes::all() {
            plane.seed(&mut tenant, seed, now)?;
        }
        tenant.apply_settings(&seed.settings);
        if let Some(who) = &seed.allow_invites_from {
            tenant.settings.allow_invites_from = who.clone();
        }
        Ok(tenant)
    }

    /// Adds an application, or replaces the one with the same client id.
    pub fn add_app(&mut self, seed: &AppSeed, now: Now) -> Result<String, SeedError> {
        let bad = |reason: String| SeedError::Certificate { app: seed.app_id.clone(), reason };
        let certificates = seed
            .certificates_pem
            .iter()
            .map(|pem| Certificate::from_pem(pem).map_err(bad))
            .collect::<Result<Vec<_>, _>>()?;
        let known = self.app(&seed.app_id).map(|app| app.sp_id.clone());
        let sp_id = seed.sp_id.clone().or(known).unwrap_or_else(|| self.new_id());
        self.apps.retain(|app| !app.app_id.eq_ignore_ascii_case(&seed.app_id));
        self.apps.push(App {
            app_id: seed.app_id.clone(),
            sp_id: sp_id.clone(),
            display_name: if seed.display_name.is_empty() { seed.app_id.clone() } else { seed.display_name.clone() },
            secret: seed.secret.clone(),
            certificates,
            permissions: seed.permissions.clone(),
            enabled: true,
        });
        entra::seeding::set(self, &sp_id, &seed.entra_roles)?;
        for role in &seed.azure_roles {
            let of_roles = (!role.condition_role_ids.is_empty()).then(|| condition_for(&role.condition_role_ids));
            let condition = role.condition.clone().or(of_roles);
            add_assignment(self, &role.scope, &role.role, &sp_id, "ServicePrincipal", condition, now);
        }
        Ok(sp_id)
    }
}
