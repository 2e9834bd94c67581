//! What a principal may do.

use serde::{Deserialize, Serialize};

use crate::word::words;

words! {
    /// What a principal may do. A greater one may do all that a lesser one may.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase")]
    pub enum ApiRole {
        /// Read everything.
        Viewer = "viewer",
        /// Change intent, make enrolment tokens.
        // Rows from before it had this name.
        #[serde(alias = "operator")]
        Editor = "editor",
        /// Principals and agents.
        Admin = "admin",
    }
}
