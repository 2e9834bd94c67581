//! Under `revoke-all` the provider's removals go on, also after everything is gone: whom it names is proven gone here as
//! elsewhere, and each other item says that nothing is given. The planner holds all but leavers and end dates then.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Steward;
use crate::memory::MemoryError;

impl Steward {
    /// One round. What still gives access goes first: the desired state is looked at once nothing is to be done for that.
    pub(super) async fn ending(&mut self, is_full: bool, cancel: &CancellationToken) -> Result<Duration, MemoryError> {
        let (wait, reports) = self.end_everything(cancel).await?;
        let Some(reports) = reports else { return Ok(wait) };
        let desired = self.parts.view.borrow().desired.clone();
        let Some(desired) = desired.filter(|_| !is_full && !wait.is_zero() && !cancel.is_cancelled()) else {
            self.say_ended(&reports);
            return Ok(wait);
        };
        // How far the end is does not wait for the look.
        self.say_as_before();
        self.note_leavers(&desired).await?;
        Ok(self.compare(&desired, cancel).await?.min(wait))
    }
}
