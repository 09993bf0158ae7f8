package provider_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/project-gimbal/fleet/internal/provider"
)

type body string

func (b body) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(string(b)))}, nil
}

func TestBounded(t *testing.T) {
	for _, test := range []struct {
		length int
		want   error
	}{{0, nil}, {1, nil}, {provider.MaxAnswer, nil}, {provider.MaxAnswer + 1, provider.ErrTooLong}, {2 * provider.MaxAnswer, provider.ErrTooLong}} {
		answer, err := provider.Bounded(body(strings.Repeat("x", test.length))).RoundTrip(nil)
		if err != nil {
			t.Fatal(err)
		}
		read, err := io.ReadAll(answer.Body)
		if !errors.Is(err, test.want) || len(read) != min(test.length, provider.MaxAnswer) {
			t.Errorf("of %d bytes %d were read, with %v; want error %v", test.length, len(read), err, test.want)
		}
	}
}
