//! `createModule`: virtual tables whose rows JavaScript gives.

use isolate::library::Scope;

use super::database;
use crate::binding::{Args, Return};

/// Of a database: (name, options)
pub(super) fn create(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if database::connected(scope, args.this()).is_some() {
        crate::binding::unsupported_feature(scope, "sqlite.Database.createModule");
    }
}
