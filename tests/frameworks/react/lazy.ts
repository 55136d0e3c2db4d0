import "./app";

setTimeout(() => void import("live-captions-overlay"), 200);
