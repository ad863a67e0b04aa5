//! What Node's binary says of its bindings: constants as values, functions and classes by their names.
//!
//! Constants that are in the binary need not be written down again, and a function that this crate lacks is known to
//! be lacking: it throws `ERR_CORDON_UNSUPPORTED` rather than being undefined.

use std::sync::{Arc, OnceLock};

use isolate::library::{Scope, string};
use serde_json::{Map, Value};

use crate::binding;
use crate::environment::Env;
use crate::store;

/// See the module.
pub(crate) struct Facts {
    bindings: Vec<Fact>,
    answers: Vec<Fact>,
}

/// One of them, read when it is first asked for: a program that starts uses few. A process that will be forked reads
/// all, once for all of its children.
struct Fact {
    told: &'static store::Told,
    value: OnceLock<Value>,
}

impl Fact {
    /// All of a kind, in the order of their names.
    fn all(told: &'static [store::Told]) -> Vec<Fact> {
        told.iter().map(|told| Fact { told, value: OnceLock::new() }).collect()
    }

    fn find<'a>(facts: &'a [Fact], name: &str) -> Option<&'a Value> {
        let at = facts.binary_search_by(|fact| fact.told.name.cmp(name)).ok()?;
        Some(facts.get(at)?.value())
    }

    fn value(&self) -> &Value {
        self.value.get_or_init(|| serde_json::from_str(self.told.json).unwrap_or_default())
    }
}

impl Facts {
    /// Those of this process, for all of its isolates.
    pub fn shared() -> Arc<Facts> {
        static FACTS: OnceLock<Arc<Facts>> = OnceLock::new();
        let make = || Facts { bindings: Fact::all(store::BINDINGS), answers: Fact::all(store::ANSWERS) };
        FACTS.get_or_init(|| Arc::new(make())).clone()
    }

    /// Reads all of them now.
    pub fn read(&self) {
        for fact in self.bindings.iter().chain(&self.answers) {
            fact.value();
        }
    }

    /// What a binding has, by name; none where Node has no such binding.
    pub fn binding(&self, name: &str) -> Option<&Map<String, Value>> {
        Fact::find(&self.bindings, name)?.as_object()
    }

    /// Something that the binary answers in the same way for every process.
    pub fn answer(&self, name: &str) -> Option<&Value> {
        Fact::find(&self.answers, name)
    }

    /// Names of all bindings.
    #[cfg(test)]
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.bindings.iter().map(|fact| fact.told.name)
    }
}

/// A described value, made anew. `None` for what is no plain data. `path` says where it is.
pub(crate) fn make<'s>(
    scope: &mut Scope<'s, '_>,
    env: &Env,
    described: &Value,
    path: &str,
) -> Option<v8::Local<'s, v8::Value>> {
    let described = described.as_object()?;
    // Beside what it is, some say more of it.
    let (kind, content) = described.iter().find(|(kind, _)| !matches!(kind.as_str(), "bare" | "length"))?;
    Some(match kind.as_str() {
        "value" => match content {
            Value::Null => v8::null(scope).into(),
            Value::Bool(value) => v8::Boolean::new(scope, *value).into(),
            Value::Number(value) => v8::Number::new(scope, value.as_f64()?).into(),
            Value::String(value) => string(scope, value).into(),
            _ => return None,
        },
        "number" => v8::Number::new(scope, content.as_str()?.parse().ok()?).into(),
        "bigint" => v8::BigInt::new_from_u64(scope, content.as_str()?.parse().ok()?).into(),
        "undefined" => v8::undefined(scope).into(),
        "symbol" => env.symbol(scope, content.as_str()?).into(),
        "view" => view(scope, content.as_str()?, described.get("length")?.as_u64()?)?,
        "array" => {
            let mut values = Vec::new();
            for entry in content.as_array()? {
                values.push(make(scope, env, entry, path)?);
            }
            v8::Array::new_with_elements(scope, &values).into()
        }
        "map" => {
            let map = v8::Map::new(scope);
            for entry in content.as_array()? {
                let (key, value) = (entry.get(0)?, entry.get(1)?);
                let (key, value) = (make(scope, env, key, path)?, make(scope, env, value, path)?);
                map.set(scope, key, value)?;
            }
            map.into()
        }
        "object" => {
            let object = match described.get("bare") {
                Some(Value::Bool(true)) => {
                    let null = v8::null(scope).into();
                    v8::Object::with_prototype_and_properties(scope, null, &[], &[])
                }
                _ => v8::Object::new(scope),
            };
            fill(scope, env, object, content.as_object()?, path)?;
            object.into()
        }
        "function" => {
            note_lacking(path);
            binding::unsupported(scope, path)?.into()
        }
        "class" => {
            note_lacking(path);
            binding::unsupported_class(scope, path, content)?.into()
        }
        _ => return None,
    })
}

/// Tells the test that writes the table of bindings what throws when it is used.
fn note_lacking(_path: &str) {
    #[cfg(test)]
    crate::table::LACKING.with_borrow_mut(|lacking| lacking.push(_path.to_owned()));
}

/// Gives an object what it lacks of what is described.
pub(crate) fn fill(
    scope: &mut Scope<'_, '_>,
    env: &Env,
    object: v8::Local<'_, v8::Object>,
    described: &Map<String, Value>,
    path: &str,
) -> Option<()> {
    for (name, value) in described {
        let key = string(scope, name);
        if object.has_own_property(scope, key.into())? {
            continue;
        }
        if let Some(value) = make(scope, env, value, &format!("{path}.{name}")) {
            // Node's tables of constants are that.
            let attributes = match path.starts_with("constants.") && !value.is_object() {
                true => v8::PropertyAttribute::READ_ONLY | v8::PropertyAttribute::DONT_DELETE,
                false => v8::PropertyAttribute::NONE,
            };
            object.define_own_property(scope, key.into(), value, attributes)?;
        }
    }
    Some(())
}

/// A typed array with zeros.
fn view<'s>(scope: &mut Scope<'s, '_>, kind: &str, length: u64) -> Option<v8::Local<'s, v8::Value>> {
    let length = usize::try_from(length).ok().filter(|length| *length <= 4096)?;
    let buffer = v8::ArrayBuffer::new(scope, length * 8);
    Some(match kind {
        "Uint8Array" => v8::Uint8Array::new(scope, buffer, 0, length)?.into(),
        "Uint32Array" => v8::Uint32Array::new(scope, buffer, 0, length)?.into(),
        "Int32Array" => v8::Int32Array::new(scope, buffer, 0, length)?.into(),
        "Float64Array" => v8::Float64Array::new(scope, buffer, 0, length)?.into(),
        "BigInt64Array" => v8::BigInt64Array::new(scope, buffer, 0, length)?.into(),
        "BigUint64Array" => v8::BigUint64Array::new(scope, buffer, 0, length)?.into(),
        _ => return None,
    })
}
