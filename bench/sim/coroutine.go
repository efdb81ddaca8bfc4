package sim

import (
	"context"
	"iter"
	"runtime/debug"
)

// coroutine is one task of a process: straight-line code that parks at the windows and is
// gone on with by events.
type coroutine struct {
	w     *world
	p     *process
	name  string
	next  func() (struct{}, bool)
	stop  func()
	yield func(struct{}) bool
	ended bool
}

// killed unwinds a task whose process is gone. Nothing that it defers can reach the world.
type killed struct{}

// spawn begins a task at once, as an event of its own.
func (p *process) spawn(name string, f func(ctx context.Context)) {
	p.w.after(0, p, note{kind: "task " + name}, func() {
		co := &coroutine{w: p.w, p: p, name: name}
		co.next, co.stop = iter.Pull(co.body(f))
		p.tasks = append(p.tasks, co)
		co.resume()
	})
}

func (co *coroutine) body(f func(ctx context.Context)) iter.Seq[struct{}] {
	return func(yield func(struct{}) bool) {
		co.yield = yield
		defer func() {
			co.ended = true
			switch r := recover().(type) {
			case nil, killed:
			default:
				co.w.fail("task %s of %s panics: %v\n%s", co.name, co.p.name, r, debug.Stack())
			}
		}()
		f(context.Background())
	}
}

// resume goes on with the task until it parks again or ends. Only events call it.
func (co *coroutine) resume() {
	if co.ended {
		return
	}
	co.w.current = co
	co.next()
	co.w.current = nil
	if co.ended {
		co.p.forget(co)
	}
}

// running is the task that is under way. Without one, somebody unwinds.
func (w *world) running() *coroutine {
	if w.current == nil {
		panic(killed{})
	}
	return w.current
}

// park lets events happen until somebody resumes the task.
func (co *coroutine) park() {
	co.w.current = nil
	if !co.yield(struct{}{}) {
		panic(killed{})
	}
}

// endTasks kills all tasks of the process where they stand.
func (p *process) endTasks() {
	tasks := p.tasks
	p.tasks = nil
	for _, co := range tasks {
		if !co.ended {
			co.stop()
		}
	}
}

func (p *process) forget(co *coroutine) {
	for i, c := range p.tasks {
		if c == co {
			p.tasks = append(p.tasks[:i:i], p.tasks[i+1:]...)
			return
		}
	}
}
