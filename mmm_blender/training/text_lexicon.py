"""Words that prompts for motion are made of, for the sentences the student text encoder learns from.

Verbs are listed as base forms; ``third_person``, ``gerund`` and ``past`` inflect them.
"""

from __future__ import annotations

VERBS = tuple(
    """
accelerate ache acknowledge adjust advance aim amble applaud approach argue arise arrive ascend
attack back balance balk bang bash bat beat beckon beg bend block bob bolt bounce bow box brace
brandish breakdance breathe bound brush buckle bump bunny-hop burrow calm caper carry cartwheel
cast catch celebrate charge chase cheer chop chuckle clamber clap clasp claw clench climb clutch
collapse collide conduct cough cower crawl creep crouch cringe cross crumple cry curl curtsy cut
cycle dance dangle dart dash dawdle decelerate deflect depart descend direct dip dive dodge doze
drag draw dribble drift drink drive droop drop drum duck dunk eat elbow embrace emerge enter escape
evade examine exercise exit extend faint fall falter fence fidget fight flail flap flee flex flinch
fling flip float flop flounce flutter fly follow freeze fret frolic fumble gallop gasp gather gaze
gesture giggle glance glide grab grapple greet grimace grip groove grope grumble guard gyrate hail
halt hammer hang haul headbang headbutt heave hesitate hide hike hit hitchhike hobble hoist hold
hook hop hover huddle hug hunch hurdle hurl hurry hurtle idle indicate inspect jab jerk jive jog
jiggle jolt jostle juggle jump kick kneel knock land laugh lead lean leap leave lie lift limp linger
list listen loaf loiter look loom lope lower lug lumber lunge lurch lurk march massage meander
meditate mime mince moonwalk mop mope mosey mount mourn move mow nap nod nudge nuzzle oscillate
pace paddle paint pant parade parry pass pat pause peck pedal peek peel peer perch pet pick pirouette
pitch pivot play plead plod plop pluck plummet plunge point poke ponder pose pounce pound practice
praise prance pray preach prepare present press prod promenade prop protest prowl pull pump punch
push quake quiver race raise ram ramble rap reach read rebound recoil recover reel rejoice relax
rest retreat return rise roam rock roll romp rotate rouse row rub rummage run rush salsa salute
sashay saunter saw scamper scan scare scoot scoop scowl scramble scratch scream scrub scuff scurry
scuttle search seize sense shake shamble shield shift shiver shove shout shovel shrink shrug shudder
shuffle sidestep sigh sign sing sink sit skate skedaddle ski skid skip skulk slam slap slash sleep
slide slip slither slog slouch slump smack smash smile smoke snap snatch sneak sneeze sniff snore
soar sob somersault spar spin spring sprint squat squirm stab stagger stalk stamp stand stare start
startle steal step stir stomp stoop stop straddle straighten stretch stride strike stroke stroll
struggle strum strut stumble sulk surf surrender sway sweep swerve swim swing swirl swoop swivel
tackle tango tap tear text think threaten throw thrust tickle tilt tiptoe toddle topple toss totter
touch tow trail traipse tramp trample travel traverse tread tremble trip trot trudge tug tumble turn
twerk twirl twist twitch type uppercut vault veer wade waddle wag wait wake walk wallop waltz wander
warm-up wash watch wave weave weep wheel whip whirl whisper whistle wiggle wince wipe withdraw wobble
work worship wrench wrestle wriggle write yank yawn yell zigzag zoom
""".split()
)

IRREGULAR_PASTS = dict(
    pair.split(":")
    for pair in """
arise:arose beat:beat bend:bent bind:bound catch:caught cling:clung creep:crept cut:cut draw:drew
drink:drank drive:drove eat:ate fall:fell fight:fought flee:fled fling:flung fly:flew freeze:froze
hang:hung hide:hid hit:hit hold:held kneel:knelt lead:led leap:leapt leave:left lie:lay read:read
rise:rose run:ran saw:sawed seize:seized shake:shook shrink:shrank sing:sang sink:sank sit:sat
sleep:slept slide:slid spin:spun spring:sprang stand:stood steal:stole stride:strode strike:struck
sweep:swept swim:swam swing:swung tear:tore think:thought throw:threw thrust:thrust wake:woke
weave:wove weep:wept withdraw:withdrew write:wrote tread:trod
""".split()
)

# Base forms that double their last letter before -ing and -ed.
DOUBLING = frozenset(
    """
bat beg bob chop clap cut dip drag drop drum duel fidget flap flip flop grab grip hit hop hug jab jog
knot lug mop nap nod pat pet plod plop prod prop ram rap rub run scan scrub ship shrug sit skid skip
slam slap slip snap sob spar spin squat stab step stir stop strut strum swim swivel tap throb trip
trot tug wag whip wrap yak
""".split()
)

ADJECTIVES = tuple(
    """
active adult aged aggressive agile agitated alarmed alert aloof angry annoyed anxious arrogant ashamed
athletic aching bald barefoot bashful bewildered blind boastful bold bored brave brisk broken burly
calm careful careless carefree casual cautious cheerful childish chilly clumsy cold concerned
confident confused content cool courageous cowardly crazy creepy crippled curious dainty dazed dead
defeated defensive dejected delicate delighted depressed desperate determined disabled disappointed
disgusted dizzy drowsy drunk dull eager eccentric elated elderly elegant embarrassed energetic enraged
enthusiastic evil excited exhausted exuberant fabulous fat faint fatigued fearful feeble feminine
fierce fit flamboyant flexible focused fragile frail frantic freezing friendly frightened frustrated
fun furious gentle giant giddy gleeful gloomy goofy graceful grateful greedy grieving grim groggy grumpy
guilty happy hasty haughty healthy heartbroken heavy heroic hesitant horrified hostile hungry hurt
hyperactive hysterical ill impatient impressed injured insane insecure intoxicated irate irritated
jealous jolly joyful joyous kind lame large laughing lazy lethargic light limber limping listless lively
lonely loud loving macho mad majestic masculine mean meek melancholic menacing merry mighty mischievous
miserable monstrous moody mournful muscular musical mysterious nervous nimble normal numb old outraged
overjoyed overweight pained panicked passionate patient peaceful pensive petite playful pleased polite
pompous powerful pregnant professional proud puzzled quick quiet reckless regal relaxed relieved
reluctant resentful respectful restless rich robotic rude sad scared secretive seductive senior serene
serious sexy shaky shocked shy sick silent silly skilled skinny sleepy slender slim slow sluggish small
smooth sneaky sober solemn sombre sorrowful spooky sporty springy startled stealthy stiff stoic strange
stressed strong stubborn sturdy stylish sulky surprised suspicious sweaty swift tall tender tense
terrified thankful thoughtful threatening threatened tipsy tired tough tranquil triumphant troubled
twitchy uncertain uncomfortable uneasy unhappy unsteady upset vain vicious victorious vigilant vigorous
violent wary weak weary wicked wild wise wistful witty womanly worried wounded young youthful zealous
zestful zombie-like
""".split()
)

ADVERBS = tuple(
    """
abruptly again aggressively aimlessly anxiously awkwardly backwards badly bashfully boldly bravely
briskly calmly carefully casually cautiously cheerfully clumsily confidently constantly continuously
cowardly crazily curiously daintily deliberately dramatically drowsily drunkenly eagerly easily
effortlessly elegantly emotionally energetically enthusiastically exaggeratedly excitedly fast fearfully
femininely fiercely firmly fluidly forcefully forward frantically freely furiously gently gingerly gladly
gleefully gracefully gradually halfheartedly happily hard harshly hastily heavily hesitantly hurriedly
impatiently joyfully jubilantly lamely languidly lazily leisurely lethargically lightly limply loosely
loudly madly majestically meekly menacingly merrily mightily mockingly mournfully naturally nervously
nimbly normally oddly painfully patiently peacefully playfully pompously powerfully proudly quickly
quietly rapidly recklessly regally relaxedly reluctantly repeatedly rhythmically rigidly robotically
roughly sadly serenely sharply shyly silently sleepily slightly sloppily slowly sluggishly smoothly
sneakily softly solemnly speedily steadily stealthily sternly stiffly strangely strongly stylishly
suddenly swiftly tenderly tensely tentatively theatrically timidly tiredly triumphantly twice
unsteadily vigorously violently warily weakly wearily weirdly wildly youthfully
""".split()
)

PEOPLE = tuple(
    """
person man woman boy girl child kid adult teenager toddler baby lady gentleman guy figure human someone
character grandmother grandfather granny soldier guard dancer ballerina athlete boxer fighter warrior
knight ninja samurai pirate thief robot zombie monster ghost vampire giant king queen prince princess
hero villain superhero wizard witch clown actor actress model musician singer drummer guitarist worker
farmer builder butcher waiter waitress chef doctor nurse patient teacher student scientist policeman
officer fireman firefighter sailor pilot astronaut hunter hiker runner jogger swimmer skater skier gymnast
acrobat golfer goalkeeper player referee coach wrestler drunk drunkard beggar stranger tourist old-timer
pensioner senior veteran cowboy bandit assassin spy monk priest nun bride groom businessman secretary
manager boss cop detective magician mime puppet doll alien android caveman elf orc dwarf goblin
gorilla monkey chicken penguin cat dog crab bear
""".split()
)

BODY_PARTS = tuple(
    """
arm arms hand hands leg legs foot feet knee knees elbow elbows shoulder shoulders head hip hips waist
wrist wrists fist fists finger fingers heel heels toes back chest neck torso body chin stomach belly face
thigh ankle palm palms
""".split()
)

DIRECTIONS = tuple(
    part.strip()
    for part in """
forward; forwards; ahead; straight ahead; backward; backwards; back; to the left; to the right; left;
right; sideways; to the side; from side to side; up; down; upwards; downwards; upstairs; downstairs;
up the stairs; down the stairs; up a slope; down a hill; in a circle; in circles; in a large circle;
clockwise; counterclockwise; anticlockwise; around; all around; in place; on the spot; across the room;
through the door; over an obstacle; over a puddle; under a beam; across uneven ground; along a wall;
along a balance beam; diagonally; to the front; toward the camera; away; away from something; in a
straight line; in a zigzag; in a figure eight; from left to right; a few steps; two steps; three steps
forward; four steps back; a short distance; a long way; around the corner; onto a chair; off a ledge;
into the room; out of the building; to the ground; on the floor; on all fours; through deep snow; in the
rain; against the wind; across a busy street; on ice; on tiptoe; on one leg; with long steps; with short
steps; with small steps; with big strides
""".replace("\n", " ").split(";")
)

ENDINGS = tuple(
    part.strip()
    for part in """
with both hands; with one hand; with the left hand; with the right hand; with the right foot; with the
left foot; with both arms; while looking around; while turning; while carrying a box; while holding a cup;
while talking on the phone; while smiling; with arms raised; with arms crossed; with hands on hips; with
the head down; with slumped shoulders; with bent knees; with a limp; with a bad back; with a cane; with a
sword; with a ball; with great force; with little energy; with swinging arms; like a robot; like a
zombie; like a model; like a monkey; like a chicken; like a drunk; like a soldier; like a king; like a
child; like an old man; like a ninja; like a ghost; in a feminine way; in a masculine way; in a funny
way; in an exaggerated manner; in a hurry; in slow motion; at a slow pace; at a fast pace; at full speed;
at a steady pace; at a moderate speed; as if drunk; as if tired; as if in pain; as if afraid; as if
dizzy; as if searching for something; as if underwater; as if on a tightrope; as if carrying a heavy
load; as if greeting a friend; as if saying goodbye; as if calling for help; as if angry; full of energy;
full of joy; out of boredom; in anger; in fear; in despair; three times; again and again; once; for a
while; for a long time; without stopping; and then stops; and comes back; and sits down; and falls over
""".replace("\n", " ").split(";")
)

OBJECTS = tuple(
    """
ball box bag sword gun rifle phone cup bottle glass plate chair table door window rope ladder stick cane
bat racket golf-club guitar violin drum piano broom hammer shovel axe bucket basket hat coat jacket shoe
book newspaper letter umbrella suitcase backpack stone rock spear shield bow arrow dog baby crowd friend
opponent enemy partner wall floor ground stairs handrail car bicycle horse skateboard snowball water fire
flag microphone camera steering-wheel dumbbell barbell hula-hoop frisbee basketball football volleyball
baseball apple sandwich
""".split()
)

ACTIONS = tuple(
    part.strip()
    for part in """
says hello; says goodbye; waves hello; waves goodbye; waves with both hands; bows politely; shakes hands;
gives a high five; blows a kiss; thumbs up; points at something; calls someone over; beckons to come;
responds to a call; raises the right arm; raises the left hand; raises both hands; guides the way; gives
directions; throws a punch; punches with the left fist; kicks with the right foot; does a roundhouse kick;
slashes with a sword; swings a sword; blocks an attack; dodges to the left; aims and shoots; throws a ball;
catches a ball; dribbles a basketball; swings a golf club; plays the violin; plays the guitar; does jumping
jacks; does push-ups; does squats; does lunges; stretches the arms; stretches the legs; jumps rope; does a
cartwheel; does a backflip; does a handstand; stands up from a chair; sits down on the floor; lies down;
gets up from the ground; gets out of bed; picks something up; puts something down; carries a heavy box;
pushes a wall; pulls a rope; opens a door; drinks from a bottle; eats an apple; washes the hands; washes
the windows; brushes the hair; puts on a coat; climbs a ladder; climbs over a fence; swims; rows a boat;
drives a car; directs traffic; conducts an orchestra; mops the floor; digs a hole; dances ballet; dances
salsa; dances hip hop; does the twist; does an Indian dance; does the moonwalk; does tai chi; practices
karate; does yoga; bends over; bends the knees; crouches down; kneels on one knee; looks around; looks up;
looks over the shoulder; nods the head; shakes the head; shrugs the shoulders; crosses the arms; scratches
the head; rubs the eyes; claps the hands; wipes the forehead; balances on one leg; tiptoes quietly; walks up
stairs; walks down stairs; walks on a tightrope; turns around; turns left; turns right; spins around; takes
off running; comes to a stop; trips and falls; stumbles; slips on ice; falls backwards; falls to the ground;
gets hit; dies; stands still; waits for the bus; idles; breathes heavily; laughs; cries; yawns; sneezes;
coughs; plays air guitar; acts like a chicken; acts like a bear; pretends to be a robot; runs in place;
marches in place; skips rope; hops on one foot; leaps over a puddle; long jumps; jumps up and down; side
steps; backpedals; changes direction; makes a U-turn; strafes left; hides behind a wall; peeks around a
corner; searches the floor; lifts a leg; swings the arms; rolls the shoulders; circles the hips
""".replace("\n", " ").split(";")
)

VOWELS = "aeiou"
SIBILANTS = ("s", "x", "z", "ch", "sh", "o")


def third_person(verb: str) -> str:
    """Inflect for "a person ...": walk -> walks."""
    if verb.endswith(SIBILANTS):
        return verb + "es"
    if verb.endswith("y") and verb[-2] not in VOWELS:
        return verb[:-1] + "ies"
    return verb + "s"


def gerund(verb: str) -> str:
    """Inflect for "is ...": walk -> walking."""
    if verb.endswith("ie"):
        return verb[:-2] + "ying"
    if verb.endswith("e") and not verb.endswith(("ee", "oe", "ye")):
        return verb[:-1] + "ing"
    return _doubled(verb) + "ing"


def past(verb: str) -> str:
    """Inflect for the simple past: walk -> walked."""
    if verb in IRREGULAR_PASTS:
        return IRREGULAR_PASTS[verb]
    if verb.endswith("e"):
        return verb + "d"
    if verb.endswith("y") and verb[-2] not in VOWELS:
        return verb[:-1] + "ied"
    return _doubled(verb) + "ed"


def with_article(noun_phrase: str) -> str:
    """Prefix "a" or "an"."""
    return ("an " if noun_phrase[0] in VOWELS else "a ") + noun_phrase


def _doubled(verb: str) -> str:
    return verb + verb[-1] if verb in DOUBLING else verb
