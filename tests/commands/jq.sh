#### identity and paths
echo '{"a":{"b":[1,2,{"c":"x"}]}}' | jq .; echo '{"a":{"b":1}}' | jq .a.b; echo '[1,2,3]' | jq '.[1]'; echo '{"a":1}' | jq '.missing'
#### -r -c -j
echo '{"a":"x y"}' | jq -r .a; echo '{"a":[1,{"b":2}]}' | jq -c .; echo '["a","b"]' | jq -j '.[]'
#### pipes and map
echo '[{"n":1,"t":"a"},{"n":2,"t":"b"}]' | jq -c 'map(.n)'; echo '[{"n":1,"t":"a"},{"n":2,"t":"b"}]' | jq -r '.[] | "\(.n): \(.t)"'; echo '[1,2,3]' | jq 'map(select(. > 1)) | add'
#### select
echo '[{"n":"a","v":1},{"n":"b","v":2}]' | jq -r '.[] | select(.v == 2) | .n'
#### keys and length
echo '{"b":1,"a":2}' | jq -c keys; echo '[1,2]' | jq length; echo '"abc"' | jq length; echo '{"a":null}' | jq 'has("a")'
#### objects
echo '{"a":1,"b":2}' | jq -c '{a, c: .b}'; echo '{"a":1}' | jq -c '. + {d: 4}'; echo '{"a":1,"b":2}' | jq -c 'del(.a)'; echo '{"a":1,"b":2}' | jq -c 'to_entries'
#### --arg and --argjson
jq -n --arg x hi '$x'; jq -n --argjson x '{"a":1}' '$x.a'; jq -nc --arg a 1 '$ARGS.named'; jq -nc '$ARGS.positional' --args a b
#### -n and input
printf '1 2 3' | jq -n '[inputs] | length'; jq -n '1 + 2'
#### -s
printf '1\n2\n' | jq -sc .; printf '{"a":1}{"a":2}' | jq -s 'map(.a) | add'
#### -R
printf 'a\nb\n' | jq -R .; printf 'a\nb\n' | jq -Rs .; printf 'a,b\n' | jq -Rc 'split(",")'
#### -e
echo null | jq -e . ; echo $?; echo '{"a":true}' | jq -e .a; echo $?; echo '[]' | jq -e '.[]'; echo $?
#### files
echo '{"v":1}' > a.json; echo '{"v":2}' > b.json; jq .v a.json b.json; jq -s 'length' a.json b.json; echo '.v' > f.jq; jq -f f.jq a.json
#### sort and group
echo '[{"k":"b","v":1},{"k":"a","v":2},{"k":"b","v":3}]' | jq -c 'group_by(.k) | map({k: .[0].k, s: map(.v) | add})'; echo '[3,1,2]' | jq -c 'sort, max, unique'; echo '[{"a":2},{"a":1}]' | jq -c 'sort_by(.a)'
#### conditionals and alternatives
echo '5' | jq 'if . > 3 then "big" else "small" end'; echo '{}' | jq '.a // "none"'; echo '[1,null]' | jq -c '[.[] | . // 0]'
#### strings
echo '"a-b-c"' | jq -c 'split("-"), ascii_upcase, (. | test("b")), ltrimstr("a"), gsub("-"; "+")'; echo '["a","b"]' | jq -r 'join(",")'; echo '"x"' | jq '. * 3'
#### @ formats
echo '[1,"a b"]' | jq -r '@csv, @tsv, @json, @sh'; echo '"aGk="' | jq -r '@base64d'; echo '"a b&c"' | jq -r '@uri'; echo '"hi"' | jq -r @base64
#### reduce and functions
echo '[1,2,3]' | jq 'reduce .[] as $x (0; . + $x)'; jq -n 'def f(x): x * 2; f(21)'; echo '{"a":[1,2]}' | jq -c '[.. | numbers]'; jq -nc '[range(3)]'; jq -nc '[limit(2; repeat(1))]'
#### -S and --tab and --indent
echo '{"b":1,"a":{"d":1,"c":2}}' | jq -S -c .; echo '{"a":[1]}' | jq --tab .; echo '{"a":[1]}' | jq --indent 1 .
#### slices and negative indices
echo '[1,2,3,4]' | jq -c '.[1:3], .[-1], .[:2]'; echo '"hello"' | jq '.[1:3]'
#### try and optional
echo '[1,"a"]' | jq -c '[.[] | try tonumber catch "bad"]'; echo '1' | jq -c '.a?'; echo '"x"' | jq '.a' 2>/dev/null; echo $?
#### errors
jq . nope 2>/dev/null; echo $?; echo 1 | jq '.[' 2>/dev/null; echo $?
#### numbers
echo '[1, 1.5]' | jq -c .; jq -n '10 / 4, 7 % 3, (1.7 | floor), (10 | tostring)'
#### env and paths
X=1 jq -n 'env.X, $ENV.X'; echo '{"a":{"b":1}}' | jq -c '[paths]'; echo '{"a":{"b":1}}' | jq -c 'getpath(["a","b"]), (paths(type == "number"))'
#### walk with entries any all
echo '{"a":1,"b":2}' | jq -c 'with_entries(.value += 1)'; echo '[true,false]' | jq -c 'any, all'; echo '{"a":[1,{"b":2}]}' | jq -c 'walk(if type == "number" then . + 1 else . end)'
#### update
echo '{"version":"1.0","n":[1,2]}' | jq -c '.version = "2.0" | .n[] += 10 | .n |= map(. * 2)'
#### package.json
echo '{"name":"p","scripts":{"test":"t","build":"b"},"dependencies":{"x":"^1"}}' | jq -r '.scripts | keys[]'; echo '{"dependencies":{"x":"^1","y":"2"}}' | jq -r '.dependencies | to_entries[] | "\(.key)@\(.value)"'
#### dates and misc
jq -n '0 | todate'; jq -nc '"2015-03-05T23:51:47Z" | fromdate'; echo '[[1,[2]],3]' | jq -c flatten; echo '["a","b"]' | jq -c 'index("b"), contains(["a"]), (to_entries | length)'; echo '{"a":1}' | jq 'type, (.a | type)'
#### halt and empty
jq -n 'empty'; jq -n '"x" | halt_error' 2>/dev/null; echo $?; jq -n 'error("x")' 2>/dev/null; echo $?
#### standard input among files
echo 1 > a; echo 2 | jq -c . - a; echo 2 | jq -c . a -
