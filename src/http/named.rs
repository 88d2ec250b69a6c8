//! What a path names: the text in the place of a parameter.
//! Never refuses by itself: what is no text names nothing, so it is turned away and recorded like any other unknown name.
//! Every handler takes its parameter by this, so that no answer is in another form than all others.

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use std::convert::Infallible;

/// The one parameter of a path; empty where its bytes are no UTF-8.
pub(super) struct Named(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Named, Infallible> {
        let found = Path::<String>::from_request_parts(parts, state).await;
        Ok(Named(found.map(|Path(text)| text).unwrap_or_default()))
    }
}

/// Both parameters of a path, in its order; empty where their bytes are no UTF-8.
pub(super) struct NamedTwo(pub(super) String, pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for NamedTwo {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<NamedTwo, Infallible> {
        let found = Path::<(String, String)>::from_request_parts(parts, state).await;
        let (first, second) = found.map(|Path(texts)| texts).unwrap_or_default();
        Ok(NamedTwo(first, second))
    }
}
