//! The API as code: messages and services generated from `proto/`, and the mutual-TLS channel that its clients use.
//!
//! Proto types stop at the edges: `entente-grpc`, `entente-cli`, and the edge of the agent. Everything else uses
//! `entente-model`; `entente-convert` converts between them.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod channel;
pub mod proxy;

pub mod access {
    // Our lints do not apply to generated code.
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

/// Every proto file with its comments, for server reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
