package provider

import (
	"context"
	"io"
)

// cancelling releases a call's time limit when its body is closed.
type cancelling struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (c *cancelling) Close() error {
	defer c.cancel()
	return c.ReadCloser.Close()
}

// MaxAnswer is the largest answer a client reads, in bytes.
const MaxAnswer = 8 << 20
