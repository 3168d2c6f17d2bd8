//! The role, search path and settings that a workload statement is read and planned under.

use std::ffi::CString;

use pgrx::pg_sys;

use super::pg_compat;

/// Restores role, security context and settings when dropped.
///
/// Everything set in between is local to the scope, as for a function with SET clauses
/// (`fmgr_security_definer` in the server's `fmgr.c`).
pub(crate) struct SessionScope {
    user: pg_sys::Oid,
    security: i32,
    nest_level: i32,
}

impl SessionScope {
    /// Opens a scope.
    pub(crate) fn open() -> Self {
        let mut user = pg_sys::InvalidOid;
        let mut security = 0;
        // SAFETY: plain reads of session state and a new GUC nesting level, closed in `Drop`.
        let nest_level = unsafe {
            pg_sys::GetUserIdAndSecContext(&raw mut user, &raw mut security);
            pg_sys::NewGUCNestLevel()
        };
        Self { user, security, nest_level }
    }

    /// The role that opened the scope.
    pub(crate) fn caller(&self) -> u32 {
        self.user.to_u32()
    }

    /// Sets a run-time parameter until the scope ends. Acts with the rights of the server: only
    /// for parameters and values that this extension chooses.
    ///
    /// An unknown parameter (a module that is not loaded) is left alone.
    pub(crate) fn set(&self, name: &str, value: &str) {
        let (Ok(name), Ok(value)) = (CString::new(name), CString::new(value)) else { return };
        // SAFETY: both strings are NUL-terminated and copied by the server; DEBUG1 as level makes
        // a refused value a log line and not an ERROR.
        unsafe {
            if pg_sys::GetConfigOption(name.as_ptr(), true, false).is_null() {
                return;
            }
            pg_compat::set_local_option(&name, &value);
        }
    }
}

impl Drop for SessionScope {
    fn drop(&mut self) {
        // SAFETY: restores exactly what `open` read, at the nesting level it made. Runs on the
        // error path too, where the enclosing sub-transaction's abort has not happened yet.
        unsafe {
            pg_sys::AtEOXact_GUC(false, self.nest_level);
            pg_sys::SetUserIdAndSecContext(self.user, self.security);
        }
    }
}

/// Acts as `role` in a security-restricted operation: functions that planning folds run with that
/// role's rights and cannot switch back or leave anything behind.
pub(crate) fn set_role(_scope: &SessionScope, role: u32) {
    // SAFETY: only sets two session variables; the scope restores them.
    unsafe {
        pg_sys::SetUserIdAndSecContext(
            pg_sys::Oid::from(role),
            (pg_sys::SECURITY_RESTRICTED_OPERATION | pg_sys::SECURITY_LOCAL_USERID_CHANGE) as i32,
        );
    }
}
