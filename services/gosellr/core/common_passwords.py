"""Passwords that everybody tries first: those of eight characters or more, in lower case."""

_WORDS = """
00000000 000000000 0000000000 01010101 01234567 0123456789 098765432 0987654321 10101010
11111111 111111111 1111111111 11111111a 11112222 11223344 1122334455 112233445566 12121212
123123123 123321123 12341234 12344321 123454321 12345600 123456123 123456654321 12345678
123456789 1234567890 12345678910 123456789a 12345678a 1234567a 1234567q 123456aa 123456ab
123456qwerty 1234abcd 1234qwer 123abc123 123qweasd 123qweasdzxc 13131313 135792468 1357924680
147258369 147852369 159753456 19841984 19871987 19901990 1q2w3e4r 1q2w3e4r5t 1q2w3e4r5t6y
1qaz2wsx 1qaz2wsx3edc 1qazxsw2 20002000 20202020 20242024 20252025 20262026 22222222 24681357
246813579 27182818 31415926 314159265 33333333 44444444 456456456 55555555 654321123 66666666
69696969 741852963 77777777 77777777a 7777777a 789456123 7894561230 789789789 852456789 87654321
88888888 963852741 987654321 9876543210 987654321a 99999999 a12345678 a123456789 a1b2c3d4
a1b2c3d4e5 aa123456 aa12345678 abc12345 abc123456 abcd1234 abcdefg1 abcdefgh abcdefghi
abcdefghij access123 access14 admin123 admin1234 admin12345 adminadmin administrator alexander
angel123 arsenal1 asd12345 asdasdasd asdf1234 asdfasdf asdfghjk asdfghjkl asdfqwer autumn2024
autumn2025 autumn2026 azerty123 azertyuiop barcelona baseball baseball1 basketball batman123
bayern123 benjamin birthday birthday1 bitcoin1 bitcoin123 blessed1 business butterfly buyer123
buyer1234 callofduty changeme changeme1 changeme123 charlie1 cheese123 chelsea1 chicken1
chocolate christopher company1 computer contrasena contraseña cookie123 correcthorse
correcthorsebatterystaple corvette counterstrike cowboys1 crypto123 daniel123 december default1
demo1234 demodemo diamond1 dollar123 dortmund dragon123 elizabeth ethereum facebook facebook1
family123 february fenerbahce ferrari1 flower123 football football1 forever1 fortnite fortnite1
freedom1 friday123 friends1 galatasaray gamer123 garfield ginger123 godisgood golden123
google123 gosellr1 gosellr123 gosellr1234 guest123 hacker123 haslo123 heaven123 hello123
hello1234 hellohello hunter123 iloveu123 iloveyou iloveyou! iloveyou1 iloveyou2 internet
iphone123 january1 jennifer jessica1 jesus123 jesuschrist jonathan jordan123 jordan23 juventus1
killer123 lakers24 letmein1 letmein123 linkedin liverpool liverpool1 lkjhgfdsa login123 lovelove
loveme123 loveyou1 lozinka123 manager1 manager123 manchester marketing marketplace marketplace1
master123 matrix123 maverick mercedes michael1 michelle mickey123 microsoft midnight minecraft
minecraft1 mnbvcxz1 mnbvcxzlkj monday123 money123 money1234 monkey123 motdepasse mustang1
mypassword mypassword1 newpassword nicholas ninja1234 nintendo nopassword november office123
oldpassword operator operator1 operator123 orange123 p4ssw0rd p4ssword p@55w0rd p@ssw0rd
p@ssword pa$$word pa55word parola123 pass1234 pass12345 passpass passw0rd passw0rd1 password
password! password0 password1 password1! password12 password123 password123! password1234
password12345 passwort passwort1 passwort123 pepper123 phoenix1 pirate123 playstation poiuytrewq
pokemon1 pokemon123 porsche1 princess princess1 princess12 purple123 q1w2e3r4 q1w2e3r4t5
qazqazqaz qazwsx123 qazwsxedc qwe12345 qwe123qwe qweasdzxc qweqweqwe qwer1234 qwerasdf qwerty12
qwerty123 qwerty1234 qwerty12345 qwerty123456 qwertyui qwertyuiop qwertzuiop rainbow1 realmadrid
root1234 rootroot salasana samantha samsung1 samurai1 scooby123 secret12 secret123 security
security1 seller12 seller123 senha123 senha1234 september service1 shadow123 shop1234 shopping
shopping1 silver123 snoopy123 spiderman spring2024 spring2025 spring2026 startrek starwars
steelers stephanie store123 strawberry summer2023 summer2024 summer2025 summer2026 sunshine
sunshine1 superman superman1 support1 support123 temp1234 temporary test1234 test12345 testing1
testing123 testtest thepassword thomas123 thunder1 tinkerbell toor1234 topsecret trustno1
unicorn1 user1234 username victoria wachtwoord warcraft welcome1 welcome1! welcome12 welcome123
whatever windows10 winter2023 winter2024 winter2025 winter2026 wsxedcrfv xbox360! yankees1
yellow123 yourpassword zaq12wsx zaq1zaq1 zxc12345 zxcvbnm1 zxcvbnm123 zxczxczxc
"""

COMMON_PASSWORDS = frozenset(_WORDS.split())
