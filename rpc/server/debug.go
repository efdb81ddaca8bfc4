package server

import (
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// debugRoutes are what operators and their machines look at.
func (s *Server) debugRoutes(mux *http.ServeMux) {
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{
		DisableCompression: true, MaxRequestsInFlight: 4, Timeout: s.cfg.UnaryTimeout}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "ok") // the process answers: nothing more is meant
	})
	mux.HandleFunc("GET /readyz", s.ready)
	mux.Handle("/debug/pprof/", loopbackOnly(pprof.Index))
	mux.Handle("/debug/pprof/cmdline", loopbackOnly(pprof.Cmdline))
	mux.Handle("/debug/pprof/profile", loopbackOnly(pprof.Profile))
	mux.Handle("/debug/pprof/symbol", loopbackOnly(pprof.Symbol))
	mux.Handle("/debug/pprof/trace", loopbackOnly(pprof.Trace))
}

func (s *Server) ready(w http.ResponseWriter, _ *http.Request) {
	err := s.cfg.Ready()
	if s.ctx.Err() != nil {
		err = fmt.Errorf("this node is stopping")
	}
	if err != nil {
		http.Error(w, "not ready: "+err.Error(), http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ready")
}

// loopbackOnly serves callers on the same machine: a profile shows keys and values.
func loopbackOnly(f http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.RemoteAddr)
		if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
			http.Error(w, "from this machine only", http.StatusForbidden)
			return
		}
		f(w, r)
	})
}
