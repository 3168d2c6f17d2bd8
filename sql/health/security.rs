//! Category `security`.

use super::threshold::threshold;
use super::{Check, Threshold, check};

/// In the order of the report.
pub(super) const CHECKS: &[Check] = &[
    check!(
        "security",
        "trust_authentication",
        ok: "nobody gets in over the network without a password",
        why: "This file alone decides who gets in, and as which role"
    ),
    check!(
        "security",
        "superuser",
        ok: "nobody but the owner can log in as a superuser",
        why: "Each of these logins is a way to all data and to the server's files"
    ),
    check!(
        "security",
        "password_expiry",
        ok: "no password ends soon",
        why: "From then on the role cannot log in by password"
    ),
    check!(
        "security",
        "public_create",
        ok: "no schema is open to everybody's objects",
        why: "An object that anybody puts there is taken for the one that was meant, with the rights of whoever uses it"
    ),
    check!(
        "security",
        "security_definer",
        ok: "no function of a superuser uses the search path of its caller",
        why: "The caller can make it run objects of his own as superuser"
    ),
];

/// Their limits.
pub(super) const THRESHOLDS: &[Threshold] = &[
    threshold!("superuser_most", Count(3), "Login roles that may be superusers besides the owner."),
    threshold!(
        "password_expiry_warning",
        Seconds(1_209_600),
        "How long before its end a password is reported."
    ),
    threshold!(
        "password_expiry_renewal",
        Seconds(7_776_000),
        "The term that is proposed for a password that ends."
    ),
];
