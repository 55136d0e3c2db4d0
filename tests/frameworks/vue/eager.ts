import "live-captions-overlay";
import "./app";
