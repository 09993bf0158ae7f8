package world

import (
	"context"
	"net"
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
