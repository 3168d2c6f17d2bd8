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

/// Refuses to end the transaction and go on: for a statement that others precede in a message, where
/// the end of the transaction opens the latch. Who has closed it ends the transaction by a message
/// that begins with that.
///
/// # Safety
/// As [`check`].
pub(super) unsafe fn check_stays(node: *mut pg_sys::Node) {
    use pg_sys::TransactionStmtKind::{TRANS_STMT_COMMIT, TRANS_STMT_ROLLBACK};
    // SAFETY: see the contract; the tag says which struct it is.
    let ends = unsafe {
        (*node).type_ == NodeTag::T_TransactionStmt
            && [TRANS_STMT_COMMIT, TRANS_STMT_ROLLBACK]
                .contains(&(*node.cast::<pg_sys::TransactionStmt>()).kind)
    };
    if ends {
        watch::refuse_command("the end of the transaction after other statements");
    }
}

/// Whether the command sends the rows of a query that was declared or prepared before.
///
/// # Safety
/// As [`check`].
pub(super) unsafe fn asks_for_rows(node: *mut pg_sys::Node) -> bool {
    // SAFETY: see the contract; the tag says which struct it is.
    unsafe {
        match (*node).type_ {
            NodeTag::T_ExecuteStmt => true,
            NodeTag::T_FetchStmt => !(*node.cast::<pg_sys::FetchStmt>()).ismove,
            _ => false,
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
