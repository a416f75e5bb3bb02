// cspell:ignore Kwynto

// The library that Sojourn grew out of, behind the same paths as server.js, for comparison.
package main

import (
	"fmt"
	"net"
	"net/http"
	"runtime"

	"github.com/Kwynto/gosession"
)

func main() {
	runtime.GOMAXPROCS(1) // as many threads for its handlers as the JavaScript servers have
	http.HandleFunc("/plain", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "ok") })
	http.HandleFunc("/untouched", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "ok") })
	http.HandleFunc("/read", func(w http.ResponseWriter, r *http.Request) {
		id := gosession.Start(&w, r)
		fmt.Fprint(w, id.Get("user"))
	})
	visits := 0
	http.HandleFunc("/write", func(w http.ResponseWriter, r *http.Request) {
		id := gosession.Start(&w, r)
		visits++
		id.Set("visits", visits)
		fmt.Fprint(w, "ok")
	})
	http.HandleFunc("/new", func(w http.ResponseWriter, r *http.Request) {
		id := gosession.Start(&w, r)
		id.Set("user", "alice-0001")
		id.Set("visits", 0)
		id.Set("theme", "dark")
		fmt.Fprint(w, "ok")
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	panic(http.Serve(listener, nil))
}
