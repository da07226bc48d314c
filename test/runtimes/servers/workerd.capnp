using Workerd = import "/workerd/workerd.capnp";

# The bundle is made, and written beside this file's copy, by `start-runtime.ts`.
const config :Workerd.Config = (
  services = [(name = "suite", worker = .suite)],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "suite")],
);

const suite :Workerd.Worker = (
  modules = [(name = "suite.js", esModule = embed "suite.js")],
  compatibilityDate = "2026-07-01",
  compatibilityFlags = ["nodejs_compat", "enable_request_signal"],
);
