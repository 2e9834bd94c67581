//! How many files and connections the process may have open, and what each port gets of them.

use entente_grpc::transport::Places;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::{info, warn};

/// Raises the soft limit to the hard one, which needs no privilege, and shares out what was got.
///
/// The soft limit is 1,024 on most systems, for programs that use `select`; we do not.
pub(super) fn share() -> Places {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    let got = if raised.is_ok() { maximum } else { current };
    // None: there is no limit.
    let got = got.map_or(usize::MAX, |got| usize::try_from(got).unwrap_or(usize::MAX));
    let (places, wanted) = (Places::within(got), Places::descriptors_wanted());
    let Places { api, agents, metrics } = places;
    if got < wanted {
        warn!(
            limit = got,
            wanted, api, agents, metrics, "few file descriptors: raise the hard limit (LimitNOFILE=, ulimit -Hn)"
        );
    } else {
        info!(limit = got, api, agents, metrics, "file descriptors: connections that each port takes");
    }
    places
}
