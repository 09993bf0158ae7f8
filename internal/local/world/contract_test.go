package world_test

import (
	"os"
	"testing"
)

// TestFlowsKeepTheVendorsContracts runs a clean provisioning against the vendors' documents, and says plainly if there were none.
// The failing runs, and those with a lost answer, are checked where they are tested.
func TestFlowsKeepTheVendorsContracts(t *testing.T) {
	t.Parallel()
	if os.Getenv("VENDOR_SPECS") == "" {
		t.Skip("contract tests skipped: VENDOR_SPECS names no folder with the vendors' OpenAPI documents")
	}
	underContract(t, nil, func(r *rig) { r.wantActive(r.provision()) })
}
