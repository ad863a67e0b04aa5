//! Running modules that are linked: by an import, and by `require`.
//!
//! V8 ends the process where it is asked to evaluate a module of which a part is being evaluated further up on the
//! stack, and takes a module that threw, but has no code of its own, for one that ended well. So everything that runs
//! modules goes through [`evaluate`], which looks at the whole graph first. This knows nothing of files.

use std::collections::HashSet;
use std::rc::Rc;

use super::load::local;
use super::{Kind, ModuleMap};
use crate::core::{Realm, Scope};
use crate::errors;
use crate::outcome::codes;
use v8::ModuleStatus;

/// What keeps a linked module from being evaluated now.
enum Obstacle {
    /// This one is being evaluated by a caller of whoever asks.
    Evaluating(String),
    /// The code of this CommonJS module has been begun and not ended.
    Requiring(String),
    /// This one has no code and threw when it got its exports; with what.
    Threw(v8::Global<v8::Value>),
    /// This one was ended from outside while it was evaluated.
    CutOff(String),
    /// This one has never been linked.
    Unlinked(String),
}

/// Looks for what V8 must not come across in the graph of a module. `requiring` names the CommonJS files whose code
/// runs.
fn obstacle(
    scope: &mut Scope<'_, '_>,
    modules: &ModuleMap,
    root: usize,
    requiring: &[String],
) -> Option<Obstacle> {
    let mut seen = HashSet::from([root]);
    let mut open = vec![root];
    while let Some(index) = open.pop() {
        let entry = &modules.entries[index];
        let module = v8::Local::new(scope, &entry.module);
        let has_code = matches!(entry.kind, Kind::Source);
        match module.get_status() {
            // Or it waits, which V8 does not tell apart. Nor can anything that it imports be under way.
            ModuleStatus::Evaluated => continue,
            ModuleStatus::Evaluating => return Some(Obstacle::Evaluating(entry.name.clone())),
            ModuleStatus::Uninstantiated | ModuleStatus::Instantiating => {
                return Some(Obstacle::Unlinked(entry.name.clone()));
            }
            ModuleStatus::Errored => {
                // A termination is noted as `null`, which guest code can throw as well; it cannot be told apart.
                let exception = module.get_exception();
                if exception.is_null() {
                    return Some(Obstacle::CutOff(entry.name.clone()));
                }
                if !has_code {
                    return Some(Obstacle::Threw(v8::Global::new(scope, exception)));
                }
                // V8 throws it again, once what comes before it has run.
                continue;
            }
            ModuleStatus::Instantiated => {
                if matches!(entry.kind, Kind::CommonJs) && requiring.contains(&entry.name) {
                    return Some(Obstacle::Requiring(entry.name.clone()));
                }
            }
        }
        open.extend(entry.links.values().copied().filter(|target| seen.insert(*target)));
    }
    None
}

fn throw(scope: &mut Scope<'_, '_>, obstacle: Obstacle, what: &str) {
    let message = match obstacle {
        Obstacle::Threw(exception) => {
            let exception = v8::Local::new(scope, &exception);
            scope.throw_exception(exception);
            return;
        }
        Obstacle::Evaluating(name) if name == what => {
            format!("{what} cannot be required while it is being evaluated: require() is part of a cycle")
        }
        Obstacle::Evaluating(name) => format!(
            "{what} cannot be required now: it imports {name}, which is being evaluated (a cycle of require() and import)"
        ),
        Obstacle::Requiring(name) => format!(
            "{what} cannot be required now: it imports {name}, whose code has not ended (a cycle of require() and import)"
        ),
        Obstacle::CutOff(name) => {
            return errors::throw(
                scope,
                &format!("{what} cannot be evaluated: {name} was ended while it ran"),
                codes::MODULE_CUT_OFF,
            );
        }
        Obstacle::Unlinked(name) => {
            return errors::throw(
                scope,
                &format!("{what} cannot be evaluated: {name} is not linked"),
                codes::MODULE_NOT_LINKED,
            );
        }
    };
    errors::throw(scope, &message, codes::REQUIRE_CYCLE);
}

/// Throws what keeps a linked module from being evaluated now, if anything does.
fn check(scope: &mut Scope<'_, '_>, realm: &Rc<Realm>, index: usize, requiring: &[String]) -> Option<()> {
    let (found, name) = {
        let modules = realm.modules.borrow();
        (obstacle(scope, &modules, index, requiring), modules.entries[index].name.clone())
    };
    match found {
        None => Some(()),
        Some(found) => {
            throw(scope, found, &name);
            None
        }
    }
}

/// Runs a linked module and returns the promise of its end. `None` with an exception pending if it cannot be run now.
pub(crate) fn evaluate<'s>(
    scope: &mut Scope<'s, '_>,
    realm: &Rc<Realm>,
    index: usize,
) -> Option<v8::Local<'s, v8::Promise>> {
    check(scope, realm, index, &[])?;
    local(scope, realm, index).evaluate(scope)?.try_cast().ok()
}

/// Runs a linked module for `require`, which cannot wait, and returns its namespace. `requiring` names the CommonJS
/// files whose code runs. `None` with an exception pending if that cannot be done.
pub(crate) fn require<'s>(
    scope: &mut Scope<'s, '_>,
    realm: &Rc<Realm>,
    index: usize,
    requiring: &[String],
) -> Option<v8::Local<'s, v8::Value>> {
    let module = local(scope, realm, index);
    let waits = |module: v8::Local<'_, v8::Module>| {
        !matches!(
            module.get_status(),
            ModuleStatus::Uninstantiated | ModuleStatus::Instantiating | ModuleStatus::Errored
        ) && module.is_graph_async()
    };
    if !(module.get_status() == ModuleStatus::Evaluating && waits(module)) {
        check(scope, realm, index, requiring)?;
    }
    // Before anything of it runs, and also when it has run: whether it can be required does not depend on who came
    // first.
    if !waits(module) {
        let promise: v8::Local<v8::Promise> = module.evaluate(scope)?.try_cast().ok()?;
        match promise.state() {
            v8::PromiseState::Fulfilled => return Some(module.get_module_namespace()),
            v8::PromiseState::Rejected => {
                promise.mark_as_handled();
                let error = promise.result(scope);
                scope.throw_exception(error);
                return None;
            }
            v8::PromiseState::Pending => {}
        }
    }
    let name = realm.modules.borrow().entries[index].name.clone();
    let message = format!("require() of {name}: the module uses top-level await; use import() instead");
    errors::throw(scope, &message, codes::REQUIRE_ASYNC);
    None
}

/// Forgets the modules that have not come to an end of their own: what they wait for was ended with the job that ran
/// them, so nothing would ever settle their import. The next import loads them anew.
pub(crate) fn forget_unfinished(scope: &mut Scope<'_, '_>, realm: &Rc<Realm>) {
    {
        let mut modules = realm.modules.borrow_mut();
        let ModuleMap { entries, by_name, .. } = &mut *modules;
        by_name.retain(|_, index| {
            let module = v8::Local::new(scope, &entries[*index].module);
            match module.get_status() {
                // That of a module which waits, too. Evaluating it again runs nothing and gives the promise of its end.
                ModuleStatus::Evaluated if module.is_graph_async() => module
                    .evaluate(scope)
                    .and_then(|promise| promise.try_cast::<v8::Promise>().ok())
                    .is_some_and(|promise| promise.state() != v8::PromiseState::Pending),
                ModuleStatus::Evaluated => true,
                ModuleStatus::Errored => !module.get_exception().is_null(),
                _ => false,
            }
        });
    }
    if let Some(forget) = realm.hook(scope, "forgetUnfinished") {
        let receiver = v8::undefined(scope).into();
        let _ = forget.call(scope, receiver, &[]);
    }
}
