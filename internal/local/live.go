package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/lipgloss"

	"github.com/project-gimbal/fleet/internal/asl"
	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/local/world"
)

// redraw is how often the picture is drawn, in the machine's time.
const redraw = 100 * time.Millisecond

// live shows a play as a picture of the workflow's graph that moves.
type live struct {
	program *tea.Program
	ended   chan struct{}
	once    sync.Once
}

// newLive begins to draw on a terminal. Ctrl-C there is an interrupt.
func newLive(in io.Reader, out io.Writer, title string, c clock.Clock, speed float64, unicode bool, stop *interrupts) *live {
	m := picture{theme: newTheme(lipgloss.NewRenderer(out)), stop: stop, clock: c, width: cmp.Or(columns(out), 80),
		frame: frame{title: title, speed: speed, start: c.Now(), now: c.Now()}}
	m.theme.ascii = !unicode
	l := &live{ended: make(chan struct{}),
		program: tea.NewProgram(m, tea.WithInput(in), tea.WithOutput(out), tea.WithoutSignalHandler())}
	go func() {
		defer close(l.ended)
		_, _ = l.program.Run() // a terminal that fails shows nothing more; the play goes on
	}()
	return l
}

// said prints above the picture, where it stays.
func (l *live) said(format string, args ...any) { l.program.Send(note(fmt.Sprintf(format, args...))) }

// turned prints a line that stands out.
func (l *live) turned(what string) { l.program.Send(heading(what)) }

// observed needs nothing: the picture is drawn from what the executions tell of themselves.
func (*live) observed(asl.Observation) {}

func (l *live) attach(s *system, w *watch) { l.program.Send(attached{s.world, w}) }

func (l *live) close() {
	l.once.Do(func() {
		l.program.Send(finish{})
		<-l.ended
	})
}

// Messages to the picture.
type (
	note     string
	heading  string
	tick     struct{}
	finish   struct{}
	attached struct {
		world *world.World
		watch *watch
	}
)

// picture is the model of what is drawn.
type picture struct {
	theme         theme
	frame         frame
	width, height int
	clock         clock.Clock
	world         *world.World
	watch         *watch
	graphs        map[string]asl.Graph
	stop          *interrupts
	lines         []string // to be printed above
}

func (m picture) Init() tea.Cmd { return again() }

func again() tea.Cmd {
	return tea.Tick(redraw, func(time.Time) tea.Msg { return tick{} })
}

func (m picture) Update(message tea.Msg) (tea.Model, tea.Cmd) {
	switch message := message.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = message.Width, message.Height
	case tea.KeyMsg:
		switch message.Type {
		case tea.KeyCtrlC:
			m.stop.interrupt()
		case tea.KeyCtrlZ:
			return m, tea.Suspend
		}
	case note:
		m.lines = append(m.lines, m.theme.said(string(message), m.width))
		if m.stop.asked() { // it should be seen beside the picture, too
			m.frame.note = strings.ReplaceAll(string(message), "\n", " ")
		}
	case heading:
		m.lines = append(m.lines, m.theme.turned(string(message), m.width))
	case attached:
		m.world, m.watch = message.world, message.watch
		m.frame.start = m.clock.Now()
		m.graphs = graphs()
	case tick:
		m.look()
		return m.printThen(again())
	case finish:
		m.look()
		m.frame.note = ""
		return m.printThen(tea.Quit)
	}
	return m, nil
}

// printThen prints the lines that wait for it, in order, before what comes next.
func (m picture) printThen(next tea.Cmd) (tea.Model, tea.Cmd) {
	if len(m.lines) == 0 {
		return m, next
	}
	text := strings.Join(m.lines, "\n")
	m.lines = nil
	return m, tea.Sequence(tea.Println(text), next)
}

// look brings the frame up to now.
func (m *picture) look() {
	m.frame.now = m.clock.Now()
	if m.world == nil {
		return
	}
	m.frame.runs = nil
	for _, x := range m.world.Executions.ListExecutions() {
		visits, err := m.world.Executions.Visits(x.ARN)
		if err != nil {
			continue // it was listed just now
		}
		r := runFrame{name: x.Name, graph: m.graphs[x.Machine], status: x.Status, stays: map[string]stay{}}
		for _, v := range visits {
			r.stays[v.State] = stay{v, m.watch.of(x.Name, v.State)}
		}
		m.frame.runs = append(m.frame.runs, r)
	}
}

func (m picture) View() string { return m.theme.draw(m.frame, m.width, m.height) }

// graphs are the workflows', by name.
func graphs() map[string]asl.Graph {
	machines, err := world.Machines()
	if err != nil {
		return nil // the world would not have opened
	}
	all := map[string]asl.Graph{}
	for name, machine := range machines {
		all[name] = machine.Graph()
	}
	return all
}
