package provider_test

import (
	"context"
	"errors"
	"strconv"
	"testing"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/provider"
)

func TestEachOwned(t *testing.T) {
	pages := func(ctx context.Context, cursor string) (fleet.OwnedPage, error) {
		n, _ := strconv.Atoi(cursor)
		switch n {
		case 1: // an empty page is not the end
			return fleet.OwnedPage{Next: "2"}, nil
		case 3:
			return fleet.OwnedPage{Owned: []fleet.Owned{{ID: "last"}}}, nil
		}
		return fleet.OwnedPage{Owned: []fleet.Owned{{ID: "a"}, {ID: "b"}}, Next: strconv.Itoa(n + 1)}, nil
	}
	var got []string
	collect := func(o fleet.Owned) error { got = append(got, o.ID); return nil }
	if err := provider.EachOwned(t.Context(), pages, collect); err != nil || len(got) != 5 || got[4] != "last" {
		t.Errorf("%v, %v", got, err)
	}
	stop := errors.New("stop")
	n := 0
	if err := provider.EachOwned(t.Context(), pages, func(fleet.Owned) error { n++; return stop }); !errors.Is(err, stop) || n != 1 {
		t.Errorf("%d, %v", n, err)
	}
	broken := func(context.Context, string) (fleet.OwnedPage, error) { return fleet.OwnedPage{}, stop }
	if err := provider.EachOwned(t.Context(), broken, collect); !errors.Is(err, stop) {
		t.Errorf("%v", err)
	}
	same := func(context.Context, string) (fleet.OwnedPage, error) { return fleet.OwnedPage{Next: "x"}, nil }
	if err := provider.EachOwned(t.Context(), same, collect); !fault.Is(err, fault.Unavailable) {
		t.Errorf("a list that doesn't get on: %v", err)
	}
}
