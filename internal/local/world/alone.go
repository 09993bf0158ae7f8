package world

import (
	"net/http"

	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/sim"
)

// Alone are the simulators on ports of loopback, for functions that run elsewhere, as processes of their own. No link lies
// between the two, so no script applies; what meddles with calls is wrapped around the vendors instead.
type Alone struct {
	Vendors
	// Endpoints are where they listen. Edge is the public network in this process; Edge.Listen opens it to others.
	Endpoints provider.Endpoints
}

// OpenAlone opens the simulators. Of the options, those that are about vendors count. wrap goes around each vendor's port.
// The caller must call Close.
func OpenAlone(o Options, wrap func(sim.Vendor) http.Handler) (*Alone, error) {
	o.Ports = true
	w := &World{options: o}
	w.Vendors.serve = func(vendor sim.Vendor) http.Handler { return w.Vendors.settling(wrap(vendor)) }
	if err := w.openVendors(); err != nil {
		return nil, err
	}
	return &Alone{Vendors: w.Vendors, Endpoints: w.Endpoints}, nil
}

// settling lets Vercel see after each change what has become of the DNS, as the link does where there is one.
func (v *Vendors) settling(next http.Handler) http.Handler {
	return http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(out, r)
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			v.Vercel.CheckDNS()
		}
	})
}

// Close ends the simulators' ports, and the requests on them.
func (a *Alone) Close() error { return a.close() }
