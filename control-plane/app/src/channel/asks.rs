//! How often people ask one tenant's agent to look.

use std::collections::VecDeque;
use std::time::Duration;

use entente_model::{TenantName, Timestamp};

use crate::error::AppError;

/// Looks that people may ask of one tenant's agent within [`PACE`]: more than anybody reads.
const MAX_ASKS: usize = 12;

const PACE: Duration = Duration::from_secs(60);

/// When a tenant's agent was last asked to look.
#[derive(Debug, Default)]
pub(crate) struct Asks(VecDeque<Timestamp>);

impl Asks {
    pub(crate) fn count(&mut self, now: Timestamp, tenant: &TenantName) -> Result<(), AppError> {
        while self.0.front().is_some_and(|then| now.since(*then) >= PACE || *then > now) {
            self.0.pop_front();
        }
        if self.0.len() >= MAX_ASKS {
            return Err(AppError::TooOften { tenant: tenant.clone(), most: MAX_ASKS });
        }
        self.0.push_back(now);
        Ok(())
    }
}
