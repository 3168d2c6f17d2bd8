//! The cache by itself.
