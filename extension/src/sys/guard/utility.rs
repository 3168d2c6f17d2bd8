//! Commands that a latched session may still give: those that only concern the session itself.

use std::ffi::CStr;

use pgrx::pg_sys;
use pgrx::pg_sys::NodeTag;

use super::watch;

/// Refuses every other command.
///
/// # Safety
/// `node` must be a utility statement of the server's.
pub(super) unsafe fn check(node: *mut pg_sys::Node) {
    // SAFETY: see the contract; the tag says which struct it is.
    unsafe {
        let allowed = match (*node).type_ {
            NodeTag::T_TransactionStmt => is_local((*node.cast::<pg_sys::TransactionStmt>()).kind),
            NodeTag::T_VariableShowStmt => {
                let name = (*node.cast::<pg_sys::VariableShowStmt>()).name;
                watch::judge_setting(&CStr::from_ptr(name).to_string_lossy());
                true
            }
            NodeTag::T_DeclareCursorStmt => {
                let options = (*node.cast::<pg_sys::DeclareCursorStmt>()).options;
                options & pg_sys::CURSOR_OPT_HOLD as i32 == 0
            }
            // What they run goes through the other hooks.
            NodeTag::T_ExplainStmt | NodeTag::T_ExecuteStmt | NodeTag::T_FetchStmt => true,
            NodeTag::T_VariableSetStmt
            | NodeTag::T_ConstraintsSetStmt
            | NodeTag::T_ClosePortalStmt
            | NodeTag::T_PrepareStmt
            | NodeTag::T_DeallocateStmt
            | NodeTag::T_DiscardStmt
            | NodeTag::T_UnlistenStmt => true,
            _ => false,
        };
        if !allowed {
            let name = pg_sys::GetCommandTagName(pg_sys::CreateCommandTag(node));
            watch::refuse_command(&CStr::from_ptr(name).to_string_lossy());
        }
    }
}

/// Whether settings can be changed before the command: not where it begins or ends a transaction.
///
/// # Safety
/// As [`check`].
pub(super) unsafe fn runs_in_transaction(node: *mut pg_sys::Node) -> bool {
    // SAFETY: see the contract.
    unsafe { !matches!((*node).type_, NodeTag::T_TransactionStmt | NodeTag::T_DiscardStmt) }
}

/// Whether a transaction command concerns a transaction of this session alone.
fn is_local(kind: pg_sys::TransactionStmtKind::Type) -> bool {
    use pg_sys::TransactionStmtKind::{
        TRANS_STMT_COMMIT_PREPARED, TRANS_STMT_PREPARE, TRANS_STMT_ROLLBACK_PREPARED,
    };
    ![TRANS_STMT_PREPARE, TRANS_STMT_COMMIT_PREPARED, TRANS_STMT_ROLLBACK_PREPARED].contains(&kind)
}
