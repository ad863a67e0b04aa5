//! How a binding is put together: a static table of functions, what its file makes by itself (classes above all), and
//! what Node's binary says it has besides. What is in the last alone throws when it is used.

use std::rc::Rc;

use isolate::library::{Scope, string};
use serde_json::Value;

use crate::environment::Env;
use crate::facts;

pub(crate) type Args<'a> = v8::FunctionCallbackArguments<'a>;
pub(crate) type Return<'a> = v8::ReturnValue<'a, v8::Value>;

/// One native function, as a table lists it.
pub(crate) struct Function {
    pub name: &'static str,
    /// What V8 calls; made by a function, since that is no constant.
    pub callback: fn() -> v8::FunctionCallback,
}

/// A table of native functions by their names.
macro_rules! functions {
    ($($name:literal => $function:path,)*) => {
        &[$($crate::binding::Function {
            name: $name,
            callback: || v8::MapFnTo::<v8::FunctionCallback>::map_fn_to($function),
        },)*]
    };
}
pub(crate) use functions;

/// What a binding's file makes by itself. `None` with an exception pending if that failed.
pub(crate) type Make =
    for<'s, 'i, 'o> fn(&mut Scope<'s, 'i>, &Rc<Env>, v8::Local<'o, v8::Object>) -> Option<()>;

/// One `internalBinding`.
pub(crate) struct Binding {
    pub name: &'static str,
    pub functions: &'static [Function],
    pub make: Option<Make>,
}

/// The object of a binding. `None` with an exception pending where there is none of that name.
pub(crate) fn instantiate<'s>(
    scope: &mut Scope<'s, '_>,
    env: &Rc<Env>,
    name: &str,
) -> Option<v8::Local<'s, v8::Object>> {
    let facts = env.facts.clone();
    let (own, described) = (crate::bindings::find(name), facts.binding(name));
    if own.is_none() && described.is_none() {
        let message = string(scope, &format!("No such binding: {name}"));
        let error = v8::Exception::error(scope, message);
        scope.throw_exception(error);
        return None;
    }
    let object = v8::Object::new(scope);
    if let Some(own) = own {
        set_functions(scope, object, own.functions)?;
        if let Some(make) = own.make {
            make(scope, env, object)?;
        }
    }
    if let Some(described) = described {
        facts::fill(scope, env, object, described, name)?;
    }
    Some(object)
}

/// Gives an object the functions of a table.
pub(crate) fn set_functions(
    scope: &mut Scope<'_, '_>,
    object: v8::Local<'_, v8::Object>,
    functions: &[Function],
) -> Option<()> {
    for function in functions {
        let name = string(scope, function.name);
        let value = v8::Function::builder_raw((function.callback)())
            .constructor_behavior(v8::ConstructorBehavior::Throw)
            .build(scope)?;
        value.set_name(name);
        object.create_data_property(scope, name.into(), value.into())?;
    }
    Some(())
}

/// Sets a property.
pub(crate) fn set(
    scope: &mut Scope<'_, '_>,
    object: v8::Local<'_, v8::Object>,
    name: &str,
    value: v8::Local<'_, v8::Value>,
) -> Option<()> {
    let key = string(scope, name);
    object.create_data_property(scope, key.into(), value)?;
    Some(())
}

/// Sets a property with attributes.
pub(crate) fn define(
    scope: &mut Scope<'_, '_>,
    object: v8::Local<'_, v8::Object>,
    name: &str,
    value: v8::Local<'_, v8::Value>,
    attributes: v8::PropertyAttribute,
) -> Option<()> {
    let key = string(scope, name);
    object.define_own_property(scope, key.into(), value, attributes)?;
    Some(())
}

/// Sets a property to a number.
pub(crate) fn set_number(
    scope: &mut Scope<'_, '_>,
    object: v8::Local<'_, v8::Object>,
    name: &str,
    value: f64,
) -> Option<()> {
    let value = v8::Number::new(scope, value);
    set(scope, object, name, value.into())
}

/// A property; `None` with an exception pending if its getter threw.
pub(crate) fn get<'s>(
    scope: &mut Scope<'s, '_>,
    object: v8::Local<'_, v8::Object>,
    name: &str,
) -> Option<v8::Local<'s, v8::Value>> {
    let key = string(scope, name);
    object.get(scope, key.into())
}

/// A class under construction, as the bindings' files make them.
pub(crate) struct Class<'s> {
    pub template: v8::Local<'s, v8::FunctionTemplate>,
}

/// A text as a function's data.
pub(crate) fn string_data<'s>(scope: &mut Scope<'s, '_>, text: &str) -> v8::Local<'s, v8::Value> {
    string(scope, text).into()
}

impl<'s> Class<'s> {
    /// As [`Class::new`], with data for the constructor.
    pub fn with_data(
        scope: &mut Scope<'s, '_>,
        name: &str,
        constructor: v8::FunctionCallback,
        data: v8::Local<'s, v8::Value>,
    ) -> Option<Class<'s>> {
        Class::of(scope, name, v8::FunctionTemplate::builder_raw(constructor).data(data))
    }

    /// A class whose objects have room for a native half ([`crate::handle`]).
    pub fn new(
        scope: &mut Scope<'s, '_>,
        name: &str,
        constructor: v8::FunctionCallback,
    ) -> Option<Class<'s>> {
        Class::of(scope, name, v8::FunctionTemplate::builder_raw(constructor))
    }

    fn of(
        scope: &mut Scope<'s, '_>,
        name: &str,
        builder: v8::FunctionBuilder<'s, v8::FunctionTemplate>,
    ) -> Option<Class<'s>> {
        let template = builder.build(scope);
        let name = v8::String::new(scope, name)?;
        template.set_class_name(name);
        template.instance_template(scope).set_internal_field_count(crate::handle::FIELDS);
        Some(Class { template })
    }

    /// Keeps it for native code that makes objects of it ([`crate::handle::create`], by this name) or inherits from it.
    pub fn keep(&self, scope: &mut Scope<'s, '_>, env: &Env, name: &'static str) {
        let template = v8::Global::new(scope, self.template);
        env.templates.borrow_mut().insert(name, template);
    }

    /// Sets a property of a binding to it.
    pub fn publish(
        &self,
        scope: &mut Scope<'s, '_>,
        binding: v8::Local<'_, v8::Object>,
        name: &str,
    ) -> Option<()> {
        let function = self.template.get_function(scope)?;
        set(scope, binding, name, function.into())
    }

    /// A class that only native code makes objects of ([`crate::handle::create`], by this name).
    pub fn internal(
        scope: &mut Scope<'s, '_>,
        env: &Env,
        name: &'static str,
        methods: &[Function],
    ) -> Option<()> {
        let class = Class::new(scope, name, v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(throw_illegal))?;
        class.methods(scope, methods)?;
        class.keep(scope, env, name);
        Some(())
    }

    /// Methods on the prototype.
    pub fn methods(&self, scope: &mut Scope<'s, '_>, functions: &[Function]) -> Option<()> {
        let prototype = self.template.prototype_template(scope);
        let signature = v8::Signature::new(scope, self.template);
        for function in functions {
            let name = v8::String::new(scope, function.name)?;
            let method = v8::FunctionTemplate::builder_raw((function.callback)())
                .signature(signature)
                .constructor_behavior(v8::ConstructorBehavior::Throw)
                .build(scope);
            method.set_class_name(name);
            prototype.set(name.into(), method.into());
        }
        Some(())
    }

    /// A read-only accessor of each object's own.
    pub fn instance_getter<F: v8::MapFnTo<v8::FunctionCallback>>(
        &self,
        scope: &mut Scope<'s, '_>,
        name: &str,
        getter: F,
    ) -> Option<()> {
        let instance = self.template.instance_template(scope);
        let name = v8::String::new(scope, name)?;
        let getter = v8::FunctionTemplate::builder_raw(getter.map_fn_to()).build(scope);
        instance.set_accessor_property(name.into(), Some(getter), None, v8::PropertyAttribute::NONE);
        Some(())
    }

    /// A read-only accessor on the prototype.
    pub fn getter(&self, scope: &mut Scope<'s, '_>, name: &str, getter: v8::FunctionCallback) -> Option<()> {
        let prototype = self.template.prototype_template(scope);
        let signature = v8::Signature::new(scope, self.template);
        let name = v8::String::new(scope, name)?;
        let getter = v8::FunctionTemplate::builder_raw(getter).signature(signature).build(scope);
        prototype.set_accessor_property(name.into(), Some(getter), None, v8::PropertyAttribute::NONE);
        Some(())
    }
}

fn throw_illegal(scope: &mut Scope<'_, '_>, _: Args<'_>, _: Return<'_>) {
    isolate::library::throw_type(scope, "Illegal constructor");
}

/// A function that says that there is no such thing in a VM.
pub(crate) fn unsupported<'s>(scope: &mut Scope<'s, '_>, path: &str) -> Option<v8::Local<'s, v8::Function>> {
    let data = string(scope, path);
    v8::Function::builder_raw(v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(throw_unsupported))
        .data(data.into())
        .build(scope)
}

/// A class of which nothing can be made, with the methods that Node's has: what only inherits from it can be loaded.
pub(crate) fn unsupported_class<'s>(
    scope: &mut Scope<'s, '_>,
    path: &str,
    described: &Value,
) -> Option<v8::Local<'s, v8::Function>> {
    let class = unsupported(scope, path)?;
    let name = string(scope, path.rsplit('.').next()?);
    class.set_name(name);
    let prototype: v8::Local<v8::Object> = get(scope, class.into(), "prototype")?.try_cast().ok()?;
    for member in described.get("members")?.as_array()? {
        let member = member.as_str()?;
        let method = unsupported(scope, &format!("{path}.{member}"))?;
        set(scope, prototype, member, method.into())?;
    }
    for member in described.get("statics")?.as_array()? {
        let member = member.as_str()?;
        let method = unsupported(scope, &format!("{path}.{member}"))?;
        set(scope, class.into(), member, method.into())?;
    }
    Some(class)
}

fn throw_unsupported(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let what = args.data().to_rust_string_lossy(scope);
    unsupported_feature(scope, &what);
}

/// Throws the error of something that a VM does not have.
pub(crate) fn unsupported_feature(scope: &mut Scope<'_, '_>, what: &str) {
    let message = format!("{what} is not supported in a cordon VM (docs/node-compatibility.md)");
    isolate::library::throw(scope, &message, "ERR_CORDON_UNSUPPORTED");
}
