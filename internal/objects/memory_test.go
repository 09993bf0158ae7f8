package objects_test

import (
	"testing"

	"github.com/project-gimbal/fleet/internal/objects"
	"github.com/project-gimbal/fleet/internal/objects/objectstest"
)

func TestMemory(t *testing.T) { objectstest.Suite(t, &objects.Memory{}) }
