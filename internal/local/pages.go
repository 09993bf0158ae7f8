package main

import (
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"

	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/portal"
	"github.com/project-gimbal/fleet/internal/step"
)

// edgePort is where the public edge listens, once it does.
type edgePort struct{ port atomic.Pointer[string] }

func (e *edgePort) opened(address string) {
	if _, port, err := net.SplitHostPort(address); err == nil {
		e.port.Store(&port)
	}
}

// visit is how a browser on this machine reaches an instance: browsers resolve every name under localhost to it.
func (e *edgePort) visit(address string) string {
	port := e.port.Load()
	u, err := url.Parse(address)
	if port == nil || err != nil || u.Host == "" {
		return address
	}
	u.Scheme, u.Host = "http", net.JoinHostPort(u.Hostname()+".localhost", *port)
	return u.String()
}

// pages puts the portal, and the links to exports' files, before the API of a system.
func (s *served) pages(o serveOptions, log *slog.Logger) func(*system, http.Handler) (http.Handler, error) {
	return func(opened *system, api http.Handler) (http.Handler, error) {
		p, err := portal.New(portal.Options{API: opened.url, WebhookSecret: opened.credentials[step.WebhookSecret], Domain: world.Domain,
			Clock: opened.clock, Speed: o.speed, Executions: opened.world.Executions, Graphs: graphs(),
			Feed: s.feed, Source: sourceOf, Visit: s.edge.visit, Log: log})
		if err != nil {
			return nil, err
		}
		s.files.base = opened.url
		mux := http.NewServeMux()
		mux.Handle("/", p.Handler(api))
		mux.Handle("GET /files/{token}", s.files)
		return mux, nil
	}
}
