//! Diffie-Hellman on elliptic curves: `ECDH`.

use std::cell::RefCell;
use std::rc::Rc;

use isolate::library::{Scope, string};
use openssl::bn::{BigNum, BigNumContext, BigNumRef};
use openssl::ec::{EcGroup, EcPoint, EcPointRef, PointConversionForm};
use openssl::error::ErrorStack;

use super::curves;
use super::errors::{self, Error, Result};
use super::keys;
use super::ossl::params::Params;
use super::ossl::pkey;
use super::values;
use crate::binding::{Args, Class, Function, Return, functions};
use crate::environment::Env;
use crate::handle;

pub(super) const FUNCTIONS: &[Function] = functions! { "ECDHConvertKey" => convert_key, };

/// The native half of an `ECDH`.
struct Ecdh {
    group: EcGroup,
    curve: &'static str,
    point: RefCell<Option<EcPoint>>,
    scalar: RefCell<Option<BigNum>>,
}

fn failed(message: &str) -> Error {
    errors::coded("ERR_CRYPTO_OPERATION_FAILED", message)
}

pub(super) fn make(scope: &mut Scope<'_, '_>, _: &Rc<Env>, binding: v8::Local<'_, v8::Object>) -> Option<()> {
    let constructor = v8::MapFnTo::<v8::FunctionCallback>::map_fn_to(construct);
    let class = Class::new(scope, "ECDH", constructor)?;
    class.methods(
        scope,
        functions! {
            "generateKeys" => generate_keys,
            "computeSecret" => compute_secret,
            "getPublicKey" => get_public_key,
            "getPrivateKey" => get_private_key,
            "setPublicKey" => set_public_key,
            "setPrivateKey" => set_private_key,
        },
    )?;
    class.publish(scope, binding, "ECDH")
}

fn open(name: &str) -> Result<(EcGroup, &'static str)> {
    let nid = curves::find(name)?;
    let group = EcGroup::from_curve_name(nid)?;
    Ok((group, nid.short_name().map_err(|_| errors::node("ERR_CRYPTO_INVALID_CURVE"))?))
}

/// (curve)
fn construct(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    if !args.is_construct_call() {
        return isolate::library::throw_type(scope, "Class constructor cannot be invoked without 'new'");
    }
    let Some(env) = Env::of(scope) else { return };
    match values::required_name(scope, &args, 0).and_then(|name| open(&name)) {
        Ok((group, curve)) => {
            let ecdh = Ecdh { group, curve, point: RefCell::new(None), scalar: RefCell::new(None) };
            let _ = values::attach(scope, &env, args.this(), Rc::new(ecdh));
        }
        Err(error) => error.throw(scope),
    }
}

fn point_from(group: &EcGroup, bytes: &[u8]) -> std::result::Result<EcPoint, ErrorStack> {
    let mut context = BigNumContext::new()?;
    EcPoint::from_bytes(group, bytes, &mut context)
}

fn point_bytes(group: &EcGroup, point: &EcPointRef, form: PointConversionForm) -> Result<Vec<u8>> {
    let mut context = BigNumContext::new()?;
    Ok(point.to_bytes(group, form, &mut context)?)
}

fn scalar_length(group: &EcGroup) -> i32 {
    (group.order_bits() as i32 + 7) / 8
}

fn generate_keys(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some((_, ecdh)) = handle::receiver::<Ecdh>(scope, args.this()) else { return };
    let generated = (|| -> Result<()> {
        let pair = pkey::generate("EC", &Params::new().text(c"group", ecdh.curve))?;
        let key = pair.ec_key()?;
        let point = key.public_key().to_owned(&ecdh.group)?;
        *ecdh.scalar.borrow_mut() = Some(key.private_key().to_owned()?);
        *ecdh.point.borrow_mut() = Some(point);
        Ok(())
    })();
    if generated.is_err() {
        failed("Failed to generate key").throw(scope);
    }
}

/// (key) -> the secret; a text where the key is none of the curve
fn compute_secret(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((env, ecdh)) = handle::receiver::<Ecdh>(scope, args.this()) else { return };
    let computed = (|| -> Result<Option<Vec<u8>>> {
        let other = values::required(args.get(0), "key")?;
        if ecdh.is_invalid_pair()? {
            return Err(errors::coded("ERR_CRYPTO_INVALID_KEYPAIR", "Invalid key pair"));
        }
        let Ok(other) = point_from(&ecdh.group, &other) else {
            super::ossl::clear_errors();
            return Ok(None);
        };
        let scalar = ecdh.scalar.borrow();
        let Some(scalar) = scalar.as_ref() else { return Err(failed("Failed to compute ECDH key")) };
        let secret = ecdh.secret(&other, scalar);
        secret.map(Some).map_err(|_| failed("Failed to compute ECDH key"))
    })();
    match computed {
        Ok(Some(secret)) => {
            if let Some(buffer) = values::buffer(scope, &env, &secret) {
                result.set(buffer);
            }
        }
        Ok(None) => result.set(string(scope, "ERR_CRYPTO_ECDH_INVALID_PUBLIC_KEY").into()),
        Err(error) => error.throw(scope),
    }
}

impl Ecdh {
    /// The first coordinate of the other point, as many times as the private number says.
    fn secret(&self, other: &EcPointRef, scalar: &BigNum) -> std::result::Result<Vec<u8>, ErrorStack> {
        let mut context = BigNumContext::new_secure()?;
        let mut number = BigNumRef::to_owned(scalar)?;
        number.set_const_time();
        let mut product = EcPoint::new(&self.group)?;
        product.mul2(&self.group, other, &number, &mut context)?;
        let (mut x, mut y) = (BigNum::new()?, BigNum::new()?);
        product.affine_coordinates(&self.group, &mut x, &mut y, &mut context)?;
        x.to_vec_padded((self.group.degree() as i32 + 7) / 8)
    }

    /// Whether a program has set halves that do not belong together.
    fn is_invalid_pair(&self) -> Result<bool> {
        let (point, scalar) = (self.point.borrow(), self.scalar.borrow());
        let (Some(point), Some(scalar)) = (point.as_ref(), scalar.as_ref()) else { return Ok(false) };
        let mut context = BigNumContext::new()?;
        let mut expected = EcPoint::new(&self.group)?;
        expected.mul_generator2(&self.group, scalar, &mut context)?;
        Ok(!expected.eq(&self.group, point, &mut context)?)
    }
}

/// (form)
fn get_public_key(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((env, ecdh)) = handle::receiver::<Ecdh>(scope, args.this()) else { return };
    let form = keys::point_form(scope, args.get(0));
    let bytes = match ecdh.point.borrow().as_ref() {
        Some(point) => point_bytes(&ecdh.group, point, form),
        None => Err(failed("Failed to get ECDH public key")),
    };
    match bytes {
        Ok(bytes) => {
            if let Some(buffer) = values::buffer(scope, &env, &bytes) {
                result.set(buffer);
            }
        }
        Err(error) => error.throw(scope),
    }
}

fn get_private_key(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some((env, ecdh)) = handle::receiver::<Ecdh>(scope, args.this()) else { return };
    let bytes = match ecdh.scalar.borrow().as_ref() {
        Some(scalar) => scalar.to_vec_padded(scalar_length(&ecdh.group)).map_err(Error::from),
        None => Err(failed("Failed to get ECDH private key")),
    };
    match bytes {
        Ok(bytes) => {
            if let Some(buffer) = values::buffer(scope, &env, &bytes) {
                result.set(buffer);
            }
        }
        Err(error) => error.throw(scope),
    }
}

/// (key)
fn set_private_key(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some((_, ecdh)) = handle::receiver::<Ecdh>(scope, args.this()) else { return };
    let taken = (|| -> Result<()> {
        let bytes = values::required(args.get(0), "key")?;
        let invalid =
            || errors::coded("ERR_CRYPTO_INVALID_KEYTYPE", "Private key is not valid for specified curve.");
        if bytes.len() > 1024 {
            return Err(invalid());
        }
        let scalar = BigNum::from_slice(&bytes)?;
        let mut order = BigNum::new()?;
        let mut context = BigNumContext::new()?;
        ecdh.group.order(&mut order, &mut context)?;
        if scalar.num_bits() == 0 || scalar.ucmp(&order).is_ge() {
            return Err(invalid());
        }
        let mut point = EcPoint::new(&ecdh.group)?;
        point
            .mul_generator2(&ecdh.group, &scalar, &mut context)
            .map_err(|_| failed("Failed to generate ECDH public key"))?;
        *ecdh.scalar.borrow_mut() = Some(scalar);
        *ecdh.point.borrow_mut() = Some(point);
        Ok(())
    })();
    if let Err(error) = taken {
        error.throw(scope);
    }
}

/// (key)
fn set_public_key(scope: &mut Scope<'_, '_>, args: Args<'_>, _: Return<'_>) {
    let Some((_, ecdh)) = handle::receiver::<Ecdh>(scope, args.this()) else { return };
    let taken = values::required(args.get(0), "key").and_then(|bytes| {
        point_from(&ecdh.group, &bytes).map_err(|_| failed("Failed to convert Buffer to EC_POINT"))
    });
    super::ossl::clear_errors();
    match taken {
        Ok(point) => *ecdh.point.borrow_mut() = Some(point),
        Err(error) => error.throw(scope),
    }
}

/// (key, curve, form) -> the key in that form
fn convert_key(scope: &mut Scope<'_, '_>, args: Args<'_>, mut result: Return<'_>) {
    let Some(env) = Env::of(scope) else { return };
    let form = keys::point_form(scope, args.get(2));
    let converted = (|| -> Result<Vec<u8>> {
        let bytes = values::required(args.get(0), "key")?;
        if bytes.is_empty() {
            return Ok(bytes);
        }
        let name = values::required_name(scope, &args, 1)?;
        let (group, _) = open(&name)?;
        let point = point_from(&group, &bytes).map_err(|_| failed("Failed to convert Buffer to EC_POINT"))?;
        point_bytes(&group, &point, form)
    })();
    super::ossl::clear_errors();
    match converted {
        Ok(bytes) => {
            if let Some(buffer) = values::buffer(scope, &env, &bytes) {
                result.set(buffer);
            }
        }
        Err(error) => error.throw(scope),
    }
}
