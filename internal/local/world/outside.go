package world

import (
	"context"
	"net"
	"net/http"

	"github.com/project-gimbal/fleet/events"
	"github.com/project-gimbal/fleet/internal/sim/edge"
)

type outsideDial = func(ctx context.Context, network, address string, control func(network, address string) error) (net.Conn, error)

// outside lets an invocation reach other people's hosts for as long as it lives.
func (l *life) outside(dial outsideDial) outsideDial {
	return func(ctx context.Context, network, address string, control func(network, address string) error) (net.Conn, error) {
		if l.dead() {
			return nil, errDead
		}
		return dial(ctx, network, address, control)
	}
}

// siteAddress is where the sample customer's site is. It has to look like a public address; nothing is sent to it.
const siteAddress = "93.184.215.14"

// publishSite puts the sample customer's own site onto the network, from which its images are fetched.
func publishSite(e *edge.Edge) error {
	site, err := events.Site()
	if err != nil {
		return err
	}
	e.Publish(events.SiteHost, edge.Host{Resolve: edge.At(siteAddress), Handler: http.FileServerFS(site)})
	return nil
}
