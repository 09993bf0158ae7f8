package provider

import (
	"context"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
)

// EachOwned gives yield all that a vendor client's Owned lists, and holds one page of it at a time. It ends with the first error, of the
// list or of yield; a list that doesn't get on is Unavailable.
func EachOwned(ctx context.Context, list func(ctx context.Context, cursor string) (fleet.OwnedPage, error), yield func(fleet.Owned) error) error {
	for cursor := ""; ; {
		page, err := list(ctx, cursor)
		if err != nil {
			return err
		}
		for _, o := range page.Owned {
			if err := yield(o); err != nil {
				return err
			}
		}
		switch page.Next {
		case "":
			return nil
		case cursor:
			return fault.New(fault.Unavailable, "a vendor's list doesn't get on")
		}
		cursor = page.Next
	}
}
