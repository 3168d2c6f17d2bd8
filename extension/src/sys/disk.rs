//! The disk that the server writes to.

use std::ffi::CStr;
use std::io;
use std::mem::MaybeUninit;

/// Bytes that the server may still write below `folder`, which is relative to its data directory.
///
/// # Errors
/// What the operating system says.
pub(crate) fn free_bytes(folder: &CStr) -> io::Result<u64> {
    let mut answer = MaybeUninit::<libc::statvfs>::uninit();
    // SAFETY: the path is NUL-terminated, and the answer has room for what is written. A backend's
    // working directory is its data directory (`ChangeToDataDir`).
    if unsafe { libc::statvfs(folder.as_ptr(), answer.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: filled, as the call succeeded.
    let answer = unsafe { answer.assume_init() };
    Ok(answer.f_bavail.saturating_mul(answer.f_frsize))
}
