//! Behaviour at the boundary, over the real store.
