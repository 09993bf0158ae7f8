package provider

import (
	"errors"
	"io"
	"net/http"
)

// ErrTooLong is returned while reading an answer of more than MaxAnswer bytes.
var ErrTooLong = errors.New("the answer is longer than any that is read")

// Bounded lets at most MaxAnswer bytes of an answer be read, for SDKs that read answers whole: what is longer breaks
// off with ErrTooLong.
func Bounded(next http.RoundTripper) http.RoundTripper { return bounded{next} }

type bounded struct{ next http.RoundTripper }

func (b bounded) RoundTrip(req *http.Request) (*http.Response, error) {
	answer, err := b.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	answer.Body = &boundedBody{answer.Body, MaxAnswer}
	return answer, nil
}

type boundedBody struct {
	io.ReadCloser
	left int
}

func (b *boundedBody) Read(p []byte) (int, error) {
	if len(p) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.ReadCloser.Read(p)
	if n > b.left {
		n, b.left = b.left, 0
		return n, ErrTooLong
	}
	b.left -= n
	return n, err
}
