//! The API as code: messages and services generated from `proto/`, and the mutual-TLS channel that its clients use.
//!
//! Proto types stop at the edges: `entente-grpc`, `entente-cli`, and the edge of the agent. Everything else speaks
//! `entente-model`, into and out of which `entente-convert` leads.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod channel;
pub mod proxy;

pub mod access {
    // Generated code answers to its generator, not to our lints.
    #[allow(missing_debug_implementations, clippy::all)]
    pub mod v1 {
        tonic::include_proto!("entente.access.v1");
    }
}

pub mod fleet {
    #[allow(missing_debug_implementations, clippy::all)]
    pub mod v1 {
        tonic::include_proto!("entente.fleet.v1");
    }
}

pub mod agent {
    #[allow(missing_debug_implementations, clippy::all)]
    pub mod v1 {
        tonic::include_proto!("entente.agent.v1");
    }
}

/// Every file with its comments, for server reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
