package supabase

import (
	"context"
	"net/http"
	"slices"
	"strconv"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
)

// Owned lists a page of the organisation's projects that are named for an instance, half-created ones included; the first one after an
// empty cursor, the others after the page before's Next. Branches are left out, and what is going down: that is no longer there. It only
// reads. Lists lag, and shift while they are read: what seems to be missing is to be looked up by itself.
func (c *Client) Owned(ctx context.Context, cursor string) (fleet.OwnedPage, error) {
	offset := 0
	if cursor != "" {
		var err error
		if offset, err = strconv.Atoi(cursor); err != nil || offset < 0 {
			return fleet.OwnedPage{}, unsent(opListProjects, fault.Internal, "the cursor is none", err)
		}
	}
	read, err := c.projectPage(ctx, fleet.ResourceName(""), offset)
	if err != nil {
		return fleet.OwnedPage{}, err
	}
	var page fleet.OwnedPage
	for _, p := range read.Projects {
		instance, ours := fleet.ResourceOwner(p.Name)
		if ours && !p.IsBranch && !slices.Contains([]string{"GOING_DOWN", "REMOVED"}, p.Status) {
			page.Owned = append(page.Owned, fleet.Owned{Kind: fleet.SupabaseProject, InstanceID: instance, Name: p.Name, ID: p.Ref})
		}
	}
	seen := offset + len(read.Projects)
	switch {
	case seen >= *read.Pagination.Count:
		return page, nil
	case len(read.Projects) == 0:
		return fleet.OwnedPage{}, unusable(opListProjects, http.StatusOK, "the list ends before its count", nil)
	}
	page.Next = strconv.Itoa(seen)
	return page, nil
}
