//! The way of a run's proxy to servers: that of the command's programs without larder.

use std::sync::Arc;

use url::Url;

use crate::{
    commands::context::Context,
    http::{ClientError, ClientSettings, Upstream, UpstreamProxies},
    proxy::{PassOn, Recorder},
};

/// There is no way out.
#[derive(Debug, thiserror::Error)]
pub(in crate::commands) enum WayOutError {
    /// Certificates that the user configures cannot be used.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The user's own proxy is none that can be passed through.
    #[error("larder cannot pass your proxy ({kind}), so it cannot see what the command downloads")]
    Kind {
        /// The scheme of its address.
        kind: String,
    },
}

/// The way out; `None` where the user's own proxy is one that larder cannot pass, so that programs had better ask by themselves. `others` are certificates that the user names
/// to some programs.
pub(super) fn way_out(
    settings: &ClientSettings,
    others: &[u8],
    recorder: Option<Arc<dyn Recorder>>,
    context: &Context<'_>,
) -> Result<Option<PassOn>, WayOutError> {
    let proxies = proxies(settings, context);
    match (proxies.unknown_kind(), &recorder) {
        (Some(kind), Some(_)) => return Err(WayOutError::Kind { kind: kind.to_owned() }),
        (Some(kind), None) => {
            context.printer.warning(&format!(
                "larder cannot pass your proxy ({kind}), so the command downloads recorded files and packages at addresses of their own itself"
            ));
            return Ok(None);
        }
        (None, _) => {}
    }
    let upstream = Upstream::new(&proxies, settings.users_certificates(), others)?;
    Ok(Some(PassOn { upstream, recorder }))
}

/// The proxies that programs have without larder: the environment's, or else those that the user's npm is configured with.
fn proxies(settings: &ClientSettings, context: &Context<'_>) -> UpstreamProxies {
    let of_environment = |names: &[&str]| {
        let mut values = names.iter().filter_map(|name| context.environment.variable(name));
        values.find(|value| !value.is_empty()).map(str::to_owned)
    };
    let of_project = settings.project.as_ref();
    let of_npm = |url: &Option<Url>, is_projects: bool| {
        let url = url.as_ref().filter(|_| !is_projects || settings.trusts_project);
        url.map(Url::to_string).unwrap_or_default()
    };
    let npms_https = of_npm(&settings.https_proxy, of_project.is_some_and(|project| project.https_proxy.is_some()));
    let npms_http = of_npm(&settings.http_proxy, of_project.is_some_and(|project| project.http_proxy.is_some()));
    let all = of_environment(&["all_proxy", "ALL_PROXY"]).unwrap_or_default();
    let or_npms = |own: Option<String>, npms: String| own.unwrap_or(if all.is_empty() { npms } else { String::new() });
    let https = or_npms(of_environment(&["https_proxy", "HTTPS_PROXY"]), npms_https);
    let http = or_npms(of_environment(&["http_proxy", "HTTP_PROXY"]), npms_http);
    let exceptions = [of_environment(&["no_proxy", "NO_PROXY"]), settings.no_proxy.clone()];
    UpstreamProxies { http, https, all, no: exceptions.into_iter().flatten().collect::<Vec<_>>().join(",") }
}
