#### arithmetic
for e in '1 2+p' '5k 1 3/p' '2 100^p' '10 3~f' '2 3 5|p' '9vp' '2k 2vp' '10 2 %p _7 2%p 7 _2/p' '2k 10.5 3%p' '_1.50 p' '.5p' '99999999999999999999999999999999999999999999999999999999999999999999999999999999999 p' '2 0.5^p' '1 3/p 6k1 3/p'; do echo "$e" | dc; done
#### stack
for e in '1 2 3f' '1 2r f' '1 2 3 d f' 'z p' '1 2 z p' '1 2c zp' '1 2 3 3R f' '123Zp 1.23Xp' '[abc]Zp' '1 2 3 _3R f'; do echo "$e" | dc; done
#### bases
for e in '16o255p' '16iFFp' '16o 0.5p' 'Kp Ip Op' '2o10p' '8i17p' '20o399p'; do echo "$e" | dc; done
#### strings and macros
for e in '[hi]P' '[a]p' '[1p]sax' '[1p]x' '1 [p 1+ d 5>l]sl l l x' '[1p]sa lax' '1 [p 1+ d 5 >l]sl llx' '65P 97a p' '5 n 6 n' '[q]x 5p' '[[1p]x 2p]x 3p' '[1p 2Q 3p]x 4p' '[a [b] c]p' '3 2[5p]sa >a' '2 3[5p]sa <a' '3 3[6p]sa =a' '3 2[7p]sa !<a' '[d1-d1<F*]dsFxp'; do echo "$e" | dc; echo; done; echo '5 [d1-d1<F*]dsFxp' | dc
#### registers
for e in '5sa la p La p' '1Sa 2Sa Lap Lap' '3 1:a 1;a p' '0;bp'; do echo "$e" | dc; done
#### errors
for e in p + '1 0/ p' 'la' '[a]1+ f' '_1vp' '0k _1k Kp' '99i Ip'; do echo "$e" | dc; echo $?; done; dc -z > /dev/null; echo $?; dc nofile; echo $?
#### options
dc -e '1 2+p' -e '3p'; echo '5 p' > f; dc f; dc -f f -e '6p'; dc --expression='1 1+p'; echo '2 p' | dc -; printf '1 # no p\n2p\n' | dc; printf '[a\nb]p\n' | dc; echo '? 1+p' > g; echo 41 | dc g
#### digits and powers with a remainder
dc -e '0Zp 0.000Zp 100Zp 0.01Zp 0.00120Zp 0.0012 0.0012-Zp'; dc -e '0 0 1|p 3 0 1|p 3 2 1|p 3 2 5|p'
