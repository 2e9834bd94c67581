//! A tenant's numbers, with their defaults.

use serde::Serialize;

use crate::control::seed::SettingsPatch;

/// See [`SettingsPatch`] for units.
#[derive(Debug, Clone, Serialize)]
pub struct Settings {
    pub lag_seconds: f64,
    pub index_lag_factor: f64,
    pub arm_lag_factor: f64,
    pub defender_lag_seconds: f64,
    pub page_size: usize,
    pub arm_page_size: usize,
    pub throttle_scale: f64,
    pub auto_redeem_seconds: f64,
    pub latency_seconds: f64,
    pub token_lifetime_seconds: u64,
    pub allow_invites_from: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            lag_seconds: 0.0,
            index_lag_factor: 2.0,
            arm_lag_factor: 2.0,
            defender_lag_seconds: 0.0,
            page_size: 100,
            arm_page_size: 100,
            throttle_scale: 1.0,
            auto_redeem_seconds: -1.0,
            latency_seconds: 0.0,
            token_lifetime_seconds: 3599,
            allow_invites_from: "everyone".to_owned(),
        }
    }
}

impl Settings {
    pub fn apply(&mut self, patch: &SettingsPatch) {
        fn take<T: Clone>(to: &mut T, from: &Option<T>) {
            if let Some(value) = from {
                *to = value.clone();
            }
        }
        take(&mut self.lag_seconds, &patch.lag_seconds);
        take(&mut self.index_lag_factor, &patch.index_lag_factor);
        take(&mut self.arm_lag_factor, &patch.arm_lag_factor);
        take(&mut self.defender_lag_seconds, &patch.defender_lag_seconds);
        take(&mut self.page_size, &patch.page_size);
        take(&mut self.arm_page_size, &patch.arm_page_size);
        take(&mut self.throttle_scale, &patch.throttle_scale);
        take(&mut self.auto_redeem_seconds, &patch.auto_redeem_seconds);
        take(&mut self.latency_seconds, &patch.latency_seconds);
        take(&mut self.token_lifetime_seconds, &patch.token_lifetime_seconds);
        take(&mut self.allow_invites_from, &patch.allow_invites_from);
        self.page_size = self.page_size.max(1);
        self.arm_page_size = self.arm_page_size.max(1);
    }
}
