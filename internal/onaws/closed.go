package onaws

import (
	"context"
	"io"
	"io/fs"
	"time"

	"github.com/project-gimbal/fleet/internal/objects"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/store/table"
)

// The ports of what a function isn't granted. Each fails with the fault that says so.

type closedTable struct{ err error }

func (c closedTable) Get(context.Context, table.Key, bool) (table.Item, error) {
	return table.Item{}, c.err
}

func (c closedTable) Query(context.Context, table.Query) (table.Page, error) {
	return table.Page{}, c.err
}

func (c closedTable) Write(context.Context, []table.Write) error { return c.err }

type closedExecutions struct{ err error }

func (c closedExecutions) Start(context.Context, string, string, any) error { return c.err }

func (c closedExecutions) Status(context.Context, string, string) (step.Execution, error) {
	return "", c.err
}

type closedSurroundings struct{ err error }

func (c closedSurroundings) Schedules(context.Context) ([]string, error) { return nil, c.err }

func (c closedSurroundings) DeadLetters(context.Context) (int, error) { return 0, c.err }

func (c closedSurroundings) CredentialChanged(context.Context, string) (time.Time, error) {
	return time.Time{}, c.err
}

type closedCalendar struct{ err error }

func (c closedCalendar) Set(context.Context, string, time.Time) error { return c.err }

func (c closedCalendar) Delete(context.Context, string) error { return c.err }

type closedObjects struct{ err error }

func (c closedObjects) Put(context.Context, string, []byte) error { return c.err }

func (c closedObjects) PutOnce(context.Context, string, []byte) error { return c.err }

func (c closedObjects) Begin(context.Context, string) (string, error) { return "", c.err }

func (c closedObjects) Part(context.Context, string, string, int, []byte) (objects.Part, error) {
	return objects.Part{}, c.err
}

func (c closedObjects) Complete(context.Context, string, string, []objects.Part) error { return c.err }

func (c closedObjects) Abort(context.Context, string, string) error { return c.err }

func (c closedObjects) Head(context.Context, string) (objects.Object, error) {
	return objects.Object{}, c.err
}

func (c closedObjects) Read(context.Context, string, int64) (io.ReadCloser, error) {
	return nil, c.err
}

func (c closedObjects) List(context.Context, string) ([]objects.Object, error) { return nil, c.err }

func (c closedObjects) Link(context.Context, string, string, time.Duration) (string, error) {
	return "", c.err
}

type closedFolder struct{ err error }

func (c closedFolder) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: c.err}
}
