//! The SQL texts that the extension and the bridge share.
